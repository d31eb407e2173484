"""Papers on arXiv from 2020 on."""

SINCE_2020: dict[str, tuple[str, str]] = {
    "2005.08926": (
        "Kidger, Patrick and Morrill, James and Foster, James and Lyons, Terry",
        "Neural controlled differential equations for irregular time series",
    ),
    "2301.00808": (
        "Woo, Sanghyun and Debnath, Shoubhik and Hu, Ronghang and Chen, Xinlei and "
        "Liu, Zhuang and Kweon, In So and Xie, Saining",
        "ConvNeXt V2: Co-designing and scaling ConvNets with masked autoencoders",
    ),
    "2006.11477": (
        "Baevski, Alexei and Zhou, Henry and Mohamed, Abdelrahman and Auli, Michael",
        "wav2vec 2.0: A framework for self-supervised learning of speech "
        "representations",
    ),
    "2012.15355": (
        "Xu, Peng and Kumar, Dhruv and Yang, Wei and Zi, Wenjie and Tang, Keyi and "
        "Huang, Chenyang and Cheung, Jackie Chi Kit and Prince, Simon J. D. and Cao, "
        "Yanshuai",
        "Optimizing deeper transformers on small datasets",
    ),
    "2503.14456": (
        "Peng, Bo and Zhang, Ruichong and Goldstein, Daniel and Alcaide, Eric and Du, "
        "Xingjian and Hou, Haowen and others",
        "RWKV-7 Goose with expressive dynamic state evolution",
    ),
    "2006.11239": (
        "Ho, Jonathan and Jain, Ajay and Abbeel, Pieter",
        "Denoising diffusion probabilistic models",
    ),
    "2010.08895": (
        "Li, Zongyi and Kovachki, Nikola and Azizzadenesheli, Kamyar and Liu, Burigede "
        "and Bhattacharya, Kaushik and Stuart, Andrew and Anandkumar, Anima",
        "Fourier neural operator for parametric partial differential equations",
    ),
    "2207.09453": (
        "Geiger, Mario and Smidt, Tess",
        "e3nn: Euclidean neural networks",
    ),
    "2404.19756": (
        "Liu, Ziming and Wang, Yixuan and Vaidya, Sachin and Ruehle, Fabian and "
        "Halverson, James and Soljačić, Marin and Hou, Thomas Y. and Tegmark, Max",
        "KAN: Kolmogorov-Arnold networks",
    ),
    "2003.13678": (
        "Radosavovic, Ilija and Kosaraju, Raj Prateek and Girshick, Ross and He, "
        "Kaiming and Dollár, Piotr",
        "Designing network design spaces",
    ),
    "2101.03697": (
        "Ding, Xiaohan and Zhang, Xiangyu and Ma, Ningning and Han, Jungong and Ding, "
        "Guiguang and Sun, Jian",
        "RepVGG: Making VGG-style ConvNets great again",
    ),
    "2102.06171": (
        "Brock, Andrew and De, Soham and Smith, Samuel L. and Simonyan, Karen",
        "High-performance large-scale image recognition without normalization",
    ),
    "2203.05482": (
        "Wortsman, Mitchell and Ilharco, Gabriel and Gadre, Samir Ya and Roelofs, "
        "Rebecca and others",
        "Model soups: Averaging weights of multiple fine-tuned models improves "
        "accuracy without increasing inference time",
    ),
    "2209.04836": (
        "Ainsworth, Samuel K. and Hayase, Jonathan and Srinivasa, Siddhartha",
        "Git Re-Basin: Merging models modulo permutation symmetries",
    ),
    "2302.13971": (
        "Touvron, Hugo and Lavril, Thibaut and Izacard, Gautier and Martinet, Xavier "
        "and others",
        "LLaMA: Open and efficient foundation language models",
    ),
    "2311.18823": (
        "Xu, Zhiqiu and Chen, Yanjie and Vishniakov, Kirill and Yin, Yida and others",
        "Initializing models with larger ones",
    ),
    "2312.03732": (
        "Kalajdzievski, Damjan",
        "A rank stabilization scaling factor for fine-tuning with LoRA",
    ),
    "2402.09353": (
        "Liu, Shih-Yang and Wang, Chien-Yi and Yin, Hongxu and Molchanov, Pavlo and "
        "Wang, Yu-Chiang Frank and Cheng, Kwang-Ting and Chen, Min-Hung",
        "DoRA: Weight-decomposed low-rank adaptation",
    ),
    "2404.02948": (
        "Meng, Fanxu and Wang, Zhaohui and Zhang, Muhan",
        "PiSSA: Principal singular values and singular vectors adaptation of large "
        "language models",
    ),
    "2405.15319": (
        "Du, Wenyu and Luo, Tongxu and Qiu, Zihan and others",
        "Stacking your transformers: A closer look at model growth for efficient LLM "
        "pre-training",
    ),
    "2406.01775": (
        "Büyükakyüz, Kerim",
        "OLoRA: Orthonormal low-rank adaptation of large language models",
    ),
    "2002.10444": (
        "De, Soham and Smith, Samuel L.",
        "Batch normalization biases residual blocks towards the identity function in "
        "deep networks",
    ),
    "2003.04887": (
        "Bachlechner, Thomas and Majumder, Bodhisattwa Prasad and Mao, Huanru Henry "
        "and Cottrell, Garrison W. and McAuley, Julian",
        "ReZero is all you need: Fast convergence at large depth",
    ),
    "2005.12729": (
        "Engstrom, Logan and Ilyas, Andrew and Santurkar, Shibani and others",
        "Implementation matters in deep policy gradients: A case study on PPO and TRPO",
    ),
    "2006.09661": (
        "Sitzmann, Vincent and Martel, Julien N. P. and Bergman, Alexander W. and "
        "Lindell, David B. and Wetzstein, Gordon",
        "Implicit neural representations with periodic activation functions",
    ),
    "2006.10739": (
        "Tancik, Matthew and Srinivasan, Pratul P. and Mildenhall, Ben and others",
        "Fourier features let networks learn high frequency functions in low "
        "dimensional domains",
    ),
    "2008.07669": (
        "Gu, Albert and Dao, Tri and Ermon, Stefano and Rudra, Atri and Ré, "
        "Christopher",
        "HiPPO: Recurrent memory with optimal polynomial projections",
    ),
    "2010.11929": (
        "Dosovitskiy, Alexey and Beyer, Lucas and Kolesnikov, Alexander and others",
        "An image is worth 16x16 words: Transformers for image recognition at scale",
    ),
    "2103.17239": (
        "Touvron, Hugo and Cord, Matthieu and Sablayrolles, Alexandre and Synnaeve, "
        "Gabriel and Jégou, Hervé",
        "Going deeper with image transformers",
    ),
    "2103.14030": (
        "Liu, Ze and Lin, Yutong and Cao, Yue and Hu, Han and Wei, Yixuan and others",
        "Swin transformer: Hierarchical vision transformer using shifted windows",
    ),
    "2104.02057": (
        "Chen, Xinlei and Xie, Saining and He, Kaiming",
        "An empirical study of training self-supervised vision transformers",
    ),
    "2105.01601": (
        "Tolstikhin, Ilya and Houlsby, Neil and Kolesnikov, Alexander and "
        "Beyer, Lucas and others",
        "MLP-Mixer: An all-MLP architecture for vision",
    ),
    "2106.08254": (
        "Bao, Hangbo and Dong, Li and Piao, Songhao and Wei, Furu",
        "BEiT: BERT pre-training of image transformers",
    ),
    "2106.09685": (
        "Hu, Edward J. and Shen, Yelong and Wallis, Phillip and Allen-Zhu, Zeyuan and "
        "others",
        "LoRA: Low-rank adaptation of large language models",
    ),
    "2110.12661": (
        "Zhao, Jiawei and Schäfer, Florian and Anandkumar, Anima",
        "ZerO initialization: Initializing neural networks with only zeros and ones",
    ),
    "2111.00396": (
        "Gu, Albert and Goel, Karan and Ré, Christopher",
        "Efficiently modeling long sequences with structured state spaces",
    ),
    "2201.03545": (
        "Liu, Zhuang and Mao, Hanzi and Wu, Chao-Yuan and Feichtenhofer, Christoph and "
        "Darrell, Trevor and Xie, Saining",
        "A ConvNet for the 2020s",
    ),
    "2203.00555": (
        "Wang, Hongyu and Ma, Shuming and Dong, Li and Huang, Shaohan and Zhang, "
        "Dongdong and Wei, Furu",
        "DeepNet: Scaling transformers to 1,000 layers",
    ),
    "2203.03466": (
        "Yang, Greg and Hu, Edward J. and Babuschkin, Igor and others",
        "Tensor programs V: Tuning large neural networks via zero-shot hyperparameter "
        "transfer",
    ),
    "2204.06745": (
        "Black, Sid and Biderman, Stella and Hallahan, Eric and others",
        "GPT-NeoX-20B: An open-source autoregressive language model",
    ),
    "2206.11893": (
        "Gu, Albert and Gupta, Ankit and Goel, Karan and Ré, Christopher",
        "On the parameterization and initialization of diagonal state space models",
    ),
    "2208.04933": (
        "Smith, Jimmy T. H. and Warrington, Andrew and Linderman, Scott W.",
        "Simplified state space layers for sequence modeling",
    ),
    "2210.06423": (
        "Wang, Hongyu and Ma, Shuming and Huang, Shaohan and others",
        "Foundation transformers",
    ),
    "2212.09748": (
        "Peebles, William and Xie, Saining",
        "Scalable diffusion models with transformers",
    ),
    "2302.12902": (
        "Sokar, Ghada and Agarwal, Rishabh and Castro, Pablo Samuel and Evci, Utku",
        "The dormant neuron phenomenon in deep reinforcement learning",
    ),
    "2303.06349": (
        "Orvieto, Antonio and Smith, Samuel L. and Gu, Albert and others",
        "Resurrecting recurrent neural networks for long sequences",
    ),
    "2305.09828": (
        "Trockman, Asher and Kolter, J. Zico",
        "Mimetic initialization of self-attention layers",
    ),
    "2305.13048": (
        "Peng, Bo and Alcaide, Eric and Anthony, Quentin and Albalak, Alon and others",
        "RWKV: Reinventing RNNs for the transformer era",
    ),
    "2310.17813": (
        "Yang, Greg and Simon, James B. and Bernstein, Jeremy",
        "A spectral condition for feature learning",
    ),
    "2312.00752": (
        "Gu, Albert and Dao, Tri",
        "Mamba: Linear-time sequence modeling with selective state spaces",
    ),
    "2312.02434": (
        "Liu, Zhen and Zhu, Hao and Zhang, Qi and others",
        "FINER: Flexible spectral-bias tuning in implicit neural representation by "
        "variable-periodic activation functions",
    ),
    "2312.08399": (
        "Chang, Oscar and Flokas, Lampros and Lipson, Hod",
        "Principled weight initialization for hypernetworks",
    ),
    "2312.12474": (
        "Hoedt, Pieter-Jan and Klambauer, Günter",
        "Principled weight initialisation for input-convex neural networks",
    ),
    "2402.00838": (
        "Groeneveld, Dirk and Beltagy, Iz and Walsh, Pete and Bhagia, Akshita and "
        "others",
        "OLMo: Accelerating the science of language models",
    ),
    "2405.04517": (
        "Beck, Maximilian and Pöppel, Korbinian and Spanring, Markus and others",
        "xLSTM: Extended long short-term memory",
    ),
    "2405.21060": (
        "Dao, Tri and Gu, Albert",
        "Transformers are SSMs: Generalized models and efficient algorithms through "
        "structured state space duality",
    ),
    "2505.01618": (
        "Dey, Nolan and Zhang, Bin Claire and Noci, Lorenzo and Li, Mufan and others",
        "Don't be lazy: CompleteP enables compute-efficient deep transformers",
    ),
    "2503.04626": (
        "Pan, Yu and Wang, Chaozheng and Wu, Zekai and Wang, Qifan and Zhang, Min and "
        "Xu, Zenglin",
        "IDInit: A universal and stable initialization method for neural network "
        "training",
    ),
}

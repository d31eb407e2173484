"""The papers that docstrings name: authors and titles."""

# By arXiv number. Long author lists end in "others".
ARXIV: dict[str, tuple[str, str]] = {
    "math-ph/0609050": (
        "Mezzadri, Francesco",
        "How to generate random matrices from the classical compact groups",
    ),
    "1312.6120": (
        "Saxe, Andrew M. and McClelland, James L. and Ganguli, Surya",
        "Exact solutions to the nonlinear dynamics of learning in deep linear neural "
        "networks",
    ),
    "1411.4038": (
        "Long, Jonathan and Shelhamer, Evan and Darrell, Trevor",
        "Fully convolutional networks for semantic segmentation",
    ),
    "1412.6558": (
        "Sussillo, David and Abbott, L. F.",
        "Random walk initialization for training very deep feedforward networks",
    ),
    "1502.01852": (
        "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "Delving deep into rectifiers: Surpassing human-level performance on ImageNet "
        "classification",
    ),
    "1504.00941": (
        "Le, Quoc V. and Jaitly, Navdeep and Hinton, Geoffrey E.",
        "A simple way to initialize recurrent networks of rectified linear units",
    ),
    "1509.02971": (
        "Lillicrap, Timothy P. and Hunt, Jonathan J. and Pritzel, Alexander and others",
        "Continuous control with deep reinforcement learning",
    ),
    "1511.03771": (
        "Talathi, Sachin S. and Vartak, Aniket",
        "Improving performance of recurrent neural network with relu nonlinearity",
    ),
    "1511.06422": (
        "Mishkin, Dmytro and Matas, Jiri",
        "All you need is a good init",
    ),
    "1511.06434": (
        "Radford, Alec and Metz, Luke and Chintala, Soumith",
        "Unsupervised representation learning with deep convolutional generative "
        "adversarial networks",
    ),
    "1512.03385": (
        "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "Deep residual learning for image recognition",
    ),
    "1602.06662": (
        "Henaff, Mikael and Szlam, Arthur and LeCun, Yann",
        "Recurrent orthogonal networks and long-memory tasks",
    ),
    "1602.07868": (
        "Salimans, Tim and Kingma, Diederik P.",
        "Weight normalization: A simple reparameterization to accelerate training of "
        "deep neural networks",
    ),
    "1606.05340": (
        "Poole, Ben and Lahiri, Subhaneil and Raghu, Maithra and Sohl-Dickstein, "
        "Jascha and Ganguli, Surya",
        "Exponential expressivity in deep neural networks through transient chaos",
    ),
    "1610.09072": (
        "Yu, Felix X. and Suresh, Ananda Theertha and Choromanski, Krzysztof and "
        "Holtmann-Rice, Daniel and Kumar, Sanjiv",
        "Orthogonal random features",
    ),
    "1611.01232": (
        "Schoenholz, Samuel S. and Gilmer, Justin and Ganguli, Surya and "
        "Sohl-Dickstein, Jascha",
        "Deep information propagation",
    ),
    "1702.08591": (
        "Balduzzi, David and Frean, Marcus and Leary, Lennox and Lewis, J. P. and Ma, "
        "Kurt Wan-Duo and McWilliams, Brian",
        "The shattered gradients problem: If resnets are the answer, then what is the "
        "question?",
    ),
    "1706.02515": (
        "Klambauer, Günter and Unterthiner, Thomas and Mayr, Andreas and Hochreiter, "
        "Sepp",
        "Self-normalizing neural networks",
    ),
    "1706.02677": (
        "Goyal, Priya and Dollár, Piotr and Girshick, Ross and others",
        "Accurate, large minibatch SGD: Training ImageNet in 1 hour",
    ),
    "1706.03762": (
        "Vaswani, Ashish and Shazeer, Noam and Parmar, Niki and others",
        "Attention is all you need",
    ),
    "1707.02937": (
        "Aitken, Andrew and Ledig, Christian and Theis, Lucas and Caballero, Jose and "
        "Wang, Zehan and Shi, Wenzhe",
        "Checkerboard artifact free sub-pixel convolution",
    ),
    "1707.09520": (
        "Helfrich, Kyle and Willmott, Devin and Ye, Qiang",
        "Orthogonal recurrent neural networks with scaled Cayley transform",
    ),
    "1708.02002": (
        "Lin, Tsung-Yi and Goyal, Priya and Girshick, Ross and He, Kaiming and "
        "Dollár, Piotr",
        "Focal loss for dense object detection",
    ),
    "1711.04735": (
        "Pennington, Jeffrey and Schoenholz, Samuel S. and Ganguli, Surya",
        "Resurrecting the sigmoid in deep learning through dynamical isometry: theory "
        "and practice",
    ),
    "1804.11188": (
        "Tallec, Corentin and Ollivier, Yann",
        "Can recurrent neural networks warp time?",
    ),
    "1806.05393": (
        "Xiao, Lechao and Bahri, Yasaman and Sohl-Dickstein, Jascha and Schoenholz, "
        "Samuel S. and Pennington, Jeffrey",
        "Dynamical isometry and a mean field theory of CNNs: How to train "
        "10,000-layer vanilla convolutional neural networks",
    ),
    "1807.03039": (
        "Kingma, Diederik P. and Dhariwal, Prafulla",
        "Glow: Generative flow with invertible 1x1 convolutions",
    ),
    "1901.08428": (
        "Lezcano-Casado, Mario and Martínez-Rubio, David",
        "Cheap orthogonal constraints in neural networks: A simple parametrization of "
        "the orthogonal and unitary group",
    ),
    "1901.09321": (
        "Zhang, Hongyi and Dauphin, Yann N. and Ma, Tengyu",
        "Fixup initialization: Residual learning without normalization",
    ),
    "1902.06853": (
        "Hayou, Soufiane and Doucet, Arnaud and Rousseau, Judith",
        "On the impact of the activation function on deep neural networks training",
    ),
    "1910.05895": (
        "Nguyen, Toan Q. and Salazar, Julian",
        "Transformers without tears: Improving the normalization of self-attention",
    ),
    "1910.09890": (
        "Gu, Albert and Gulcehre, Caglar and Paine, Tom Le and Hoffman, Matt and "
        "Pascanu, Razvan",
        "Improving the gating mechanism of recurrent neural networks",
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
    "2106.08254": (
        "Bao, Hangbo and Dong, Li and Piao, Songhao and Wei, Furu",
        "BEiT: BERT pre-training of image transformers",
    ),
    "2110.12661": (
        "Zhao, Jiawei and Schäfer, Florian and Anandkumar, Anima",
        "ZerO initialization: Initializing neural networks with only zeros and ones",
    ),
    "2111.00396": (
        "Gu, Albert and Goel, Karan and Ré, Christopher",
        "Efficiently modeling long sequences with structured state spaces",
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
    "2303.06349": (
        "Orvieto, Antonio and Smith, Samuel L. and Gu, Albert and others",
        "Resurrecting recurrent neural networks for long sequences",
    ),
    "2305.09828": (
        "Trockman, Asher and Kolter, J. Zico",
        "Mimetic initialization of self-attention layers",
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
    "2405.04517": (
        "Beck, Maximilian and Pöppel, Korbinian and Spanring, Markus and others",
        "xLSTM: Extended long short-term memory",
    ),
    "2405.21060": (
        "Dao, Tri and Gu, Albert",
        "Transformers are SSMs: Generalized models and efficient algorithms through "
        "structured state space duality",
    ),
    "2503.04626": (
        "Pan, Yu and Wang, Chaozheng and Wu, Zekai and Wang, Qifan and Zhang, Min and "
        "Xu, Zenglin",
        "IDInit: A universal and stable initialization method for neural network "
        "training",
    ),
}

# By words that a docstring names them with: authors, title, year, where it appeared.
OTHERS: dict[str, tuple[str, str, int, str]] = {
    "Glorot and Bengio, Understanding": (
        "Glorot, Xavier and Bengio, Yoshua",
        "Understanding the difficulty of training deep feedforward neural networks",
        2010,
        "AISTATS",
    ),
    "Efficient BackProp, 1998": (
        "LeCun, Yann and Bottou, Léon and Orr, Genevieve B. and Müller, Klaus-Robert",
        "Efficient BackProp",
        1998,
        "Neural Networks: Tricks of the Trade",
    ),
    "Gers et al., Learning to forget": (
        "Gers, Felix A. and Schmidhuber, Jürgen and Cummins, Fred",
        "Learning to forget: Continual prediction with LSTM",
        2000,
        "Neural Computation",
    ),
    "Jozefowicz et al.": (
        "Jozefowicz, Rafal and Zaremba, Wojciech and Sutskever, Ilya",
        "An empirical exploration of recurrent network architectures",
        2015,
        "ICML",
    ),
    "Rahimi and Recht": (
        "Rahimi, Ali and Recht, Benjamin",
        "Random features for large-scale kernel machines",
        2007,
        "NeurIPS",
    ),
    "Language models are unsupervised multitask learners": (
        "Radford, Alec and Wu, Jeffrey and Child, Rewon and others",
        "Language models are unsupervised multitask learners",
        2019,
        "OpenAI",
    ),
    "Improving transformer optimization through better initialization": (
        "Huang, Xiao Shi and Perez, Felipe and Ba, Jimmy and Volkovs, Maksims",
        "Improving transformer optimization through better initialization",
        2020,
        "ICML",
    ),
    "GMD report 148": (
        "Jaeger, Herbert",
        "The 'echo state' approach to analysing and training recurrent neural networks",
        2001,
        "GMD Report 148",
    ),
    "Deep learning via Hessian-free optimization": (
        "Martens, James",
        "Deep learning via Hessian-free optimization",
        2010,
        "ICML",
    ),
    "A matrix approach to discrete wavelets": (
        "Kautsky, Jaroslav and Turcajová, Radka",
        "A matrix approach to discrete wavelets",
        1994,
        "Wavelet Analysis and Its Applications",
    ),
}

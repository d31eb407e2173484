"""Papers on arXiv until 2019."""

UNTIL_2019: dict[str, tuple[str, str]] = {
    "1609.02907": (
        "Kipf, Thomas N. and Welling, Max",
        "Semi-supervised classification with graph convolutional networks",
    ),
    "1710.10196": (
        "Karras, Tero and Aila, Timo and Laine, Samuli and Lehtinen, Jaakko",
        "Progressive growing of GANs for improved quality, stability, and variation",
    ),
    "1710.10903": (
        "Veličković, Petar and Cucurull, Guillem and Casanova, Arantxa and Romero, "
        "Adriana and Liò, Pietro and Bengio, Yoshua",
        "Graph attention networks",
    ),
    "1712.08969": (
        "Yang, Greg and Schoenholz, Samuel S.",
        "Mean field residual networks: On the edge of chaos",
    ),
    "1803.01719": (
        "Hanin, Boris and Rolnick, David",
        "How to start training: The effect of initialization and architecture",
    ),
    "1806.07366": (
        "Chen, Ricky T. Q. and Rubanova, Yulia and Bettencourt, Jesse and Duvenaud, "
        "David",
        "Neural ordinary differential equations",
    ),
    "1907.03907": (
        "Rubanova, Yulia and Chen, Ricky T. Q. and Duvenaud, David",
        "Latent ODEs for irregularly-sampled time series",
    ),
    "1912.04958": (
        "Karras, Tero and Laine, Samuli and Aittala, Miika and Hellsten, Janne and "
        "Lehtinen, Jaakko and Aila, Timo",
        "Analyzing and improving the image quality of StyleGAN",
    ),
    "1404.0736": (
        "Denton, Emily and Zaremba, Wojciech and Bruna, Joan and LeCun, Yann and "
        "Fergus, Rob",
        "Exploiting linear structure within convolutional networks for efficient "
        "evaluation",
    ),
    "1810.04805": (
        "Devlin, Jacob and Chang, Ming-Wei and Lee, Kenton and Toutanova, Kristina",
        "BERT: Pre-training of deep bidirectional transformers for language "
        "understanding",
    ),
    "1905.11946": (
        "Tan, Mingxing and Le, Quoc V.",
        "EfficientNet: Rethinking model scaling for convolutional neural networks",
    ),
    "1909.11556": (
        "Fan, Angela and Grave, Edouard and Joulin, Armand",
        "Reducing transformer depth on demand with structured dropout",
    ),
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
    "1511.05641": (
        "Chen, Tianqi and Goodfellow, Ian and Shlens, Jonathon",
        "Net2Net: Accelerating learning via knowledge transfer",
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
    "1906.10771": (
        "Molchanov, Pavlo and Mallya, Arun and Tyree, Stephen and Frosio, Iuri "
        "and Kautz, Jan",
        "Importance estimation for neural network pruning",
    ),
    "1910.05895": (
        "Nguyen, Toan Q. and Salazar, Julian",
        "Transformers without tears: Improving the normalization of self-attention",
    ),
    "1910.08475": (
        "Ash, Jordan T. and Adams, Ryan P.",
        "On warm-starting neural network training",
    ),
    "1910.09890": (
        "Gu, Albert and Gulcehre, Caglar and Paine, Tom Le and Hoffman, Matt and "
        "Pascanu, Razvan",
        "Improving the gating mechanism of recurrent neural networks",
    ),
    "1910.10683": (
        "Raffel, Colin and Shazeer, Noam and Roberts, Adam and Lee, Katherine and "
        "others",
        "Exploring the limits of transfer learning with a unified text-to-text "
        "transformer",
    ),
}

"""Papers that are not on arXiv."""

# By words that a docstring names them with: authors, title, year, where it appeared.
OTHERS: dict[str, tuple[str, str, int, str]] = {
    "Swin transformer V2": (
        "Liu, Ze and Hu, Han and Lin, Yutong and Yao, Zhuliang and Xie, Zhenda and "
        "Wei, Yixuan and Ning, Jia and Cao, Yue and Zhang, Zheng and Dong, Li and "
        "Wei, Furu and Guo, Baining",
        "Swin transformer V2: Scaling up capacity and resolution",
        2022,
        "CVPR",
    ),
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

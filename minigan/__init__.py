"""minigan: Generative Adversarial Nets (Goodfellow et al. 2014), every gradient written by hand."""

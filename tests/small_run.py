"""Options of a run on the embedded digits that takes a second."""

# An option and its value side by side.
# fmt: off
SMALL = ["--generator", "relu 24", "sigmoid bias=marginals", "--discriminator", "maxout 12x3 keep=.8", "linear keep=.5",
         "--latent", "8", "--batch-size", "50", "--log-every", "10", "--sample-every", "20", "--checkpoint-every", "20"]

"""The checks of gradients and other numbers, and the bugs that they have to find."""

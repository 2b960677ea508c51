"""Many runs: the same recipe with several seeds and settings, side by side, and what they come to."""

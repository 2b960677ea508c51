"""A GAN that trains in sight: moves one at a time, pictures of them for a page, and how to do the same again."""

"""What a user may ask for: the recipe, the other options, and the command lines made of them."""

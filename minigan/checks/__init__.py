"""What every gradient and number is held to, and bugs that it has to find."""

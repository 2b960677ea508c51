"""A player's network as other programs take it, and theirs as minigan does."""

"""The paper: losses, update rules, players and Algorithm 1."""

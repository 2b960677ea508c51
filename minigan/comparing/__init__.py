"""Two runs held beside each other: where they part, by how much, and why."""

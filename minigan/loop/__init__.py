"""The one loop that trains, and what is called on the way: callbacks."""

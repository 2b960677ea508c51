"""One page of a run, made of what lies in its folder."""

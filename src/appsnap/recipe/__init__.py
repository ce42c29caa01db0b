"""Objects to recipe and back: the centre of appsnap."""

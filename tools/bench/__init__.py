"""The parts of `make bench`: appsnap and its peers on the same data, in one run."""

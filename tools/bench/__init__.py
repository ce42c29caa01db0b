"""The benchmark: appsnap and its peers on the same data, in one run.

* A subject saves and loads: a kind of appsnap, or a peer.
* A workload is data of one size, with its subjects.
* A cell has the figures of one subject for one act, or a word for their absence.
* An aim is the most that a figure of appsnap may be.
"""

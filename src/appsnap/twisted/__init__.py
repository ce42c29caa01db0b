"""Twisted's past, as far as appsnap still reads it.

`names` has the names that Twisted's pickles and classes use. It imports nothing, so every other module may read it.
`encryption` reads pickles in the old encryption of Twisted. It stands above files and kinds; only `snapshot` uses it.
"""

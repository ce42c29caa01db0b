"""The names that Twisted's pickles and classes use, and that appsnap takes for something of its own."""

from __future__ import annotations

__all__ = ["PERSISTENCE_FORGETS", "UNPICKLE_FUNCTION", "UNPICKLE_METHOD", "UNPICKLE_MODULE"]

PERSISTENCE_FORGETS = "persistenceForgets"
"""The attribute in which a class names its transient attributes, as `__transient__` does today."""

UNPICKLE_FUNCTION = "twisted.persisted.styles._unpickleFunction"
"""A function that is called with a dotted name. The call stands for the function of that name."""

UNPICKLE_METHOD = "twisted.persisted.styles.unpickleMethod"
"""A function that is called with a name, an object, and its class. The call stands for the method of the object."""

UNPICKLE_MODULE = "twisted.persisted.styles.unpickleModule"
"""A function that is called with a dotted name. The call stands for the module of that name."""

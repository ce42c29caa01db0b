"""The version of appsnap: the build reads it here, and so does every module that needs it."""

__version__ = "0.1.0"

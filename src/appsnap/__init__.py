"""appsnap saves a Python application to a file, and brings it back."""

__version__ = "0.1.0"

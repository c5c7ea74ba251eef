"""mediaclean: one command cleans an interview video."""

__version__ = "0.1.0"

from shell import notebook

__all__ = ["notebook"]

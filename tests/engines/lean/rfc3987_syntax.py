"""In the place of the package: importing that costs more than a second of each process of Ray, which never asks it."""

raise ImportError("not wanted")

"""`python -m workbench VERB …`: the shell command, for where its folder is not on the path."""

from __future__ import annotations

import sys

from .faces.shell import main

if __name__ == "__main__":
    sys.exit(main())

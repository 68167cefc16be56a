"""What all verbs begin with: the folder of everything that is kept, its models, and what runs."""

from __future__ import annotations

from pathlib import Path

from .. import paths
from ..bundle import registries
from ..operations.running import Running


class Home:
    """Everything under `home`; without it, under the one of this user."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or paths.home()
        self.registry = registries.of(self.home)
        self.running = Running(self.home)

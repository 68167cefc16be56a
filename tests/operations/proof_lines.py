"""The lines of an exported README that prove what runs, as a shell reads them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbench.api import Workbench
from workbench.faces import arguments
from workbench.faces.reader import read
from workbench.specs.verbs import verb

_SAYS = 'workbench() { printf "%s\\0" "$WORKBENCH_REGISTRY" "$@"; }\n'


@dataclass(frozen=True)
class Proof:
    """One line: the folder of the versions, and what `verify` is given."""

    registry: Path
    given: dict[str, Any]

    def run(self, home: Path, patch: pytest.MonkeyPatch) -> str:
        """What the line says, run in this process."""
        patch.setenv("WORKBENCH_REGISTRY", str(self.registry))
        return str(Workbench(home).verify(**self.given))


def proofs(folder: Path, **env: str) -> list[Proof]:
    """Those of the README of a folder, with the variables that its steps set."""
    text = (folder / "README.md").read_text().partition("## Prove it")[2]
    lines = [line for line in text.splitlines() if line.startswith("WORKBENCH_REGISTRY=")]
    return [_read(folder, line, env) for line in lines]


def _read(folder: Path, line: str, env: dict[str, str]) -> Proof:
    done = subprocess.run(["bash", "-uc", _SAYS + line], env=os.environ | env, capture_output=True, check=True)
    registry, _, *words = done.stdout.decode().split("\0")[:-1]
    quoted = " ".join("'" + word.replace("'", "") + "'" if " " in word else word for word in words)
    given = arguments.parse(verb("verify"), read(quoted).tokens, "verify")
    return Proof(folder / registry, {name: value for name, value in given.items() if name != "json"})

"""A version as one file, for a colleague."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..bundle import packing
from .guide import Guide

if TYPE_CHECKING:
    from pathlib import Path

    from .subject import Subject

_PROOF = (
    "Taking it in proves it: its reference rows are scored there, and compared with what the cell answered to them."
)
_TRUST = "It holds code, which runs when it is taken in: send it to those, and take it from those, whom you trust."


def write(subject: Subject, folder: Path) -> Guide:
    """`churn-3.zip`, the same bytes for the same version, and how a colleague takes it in."""
    version = subject.live
    name = f"{version.name}-{version.version}.zip"
    packing.pack(version.folder, folder / name)
    needs = ", ".join(f"{package} {number}" for package, number in version.manifest.packages.items())
    notes = (f"It was captured with Python {version.manifest.python}, {needs}.", _TRUST)
    step = "a colleague takes it in, under any name", f"workbench model {version.name} {name}"
    return Guide((step,), proof=_PROOF, notes=notes, of=subject.only(version))

"""A version -> the verdict of an environment that was built from its requirements alone, without Workbench."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotProven
from ..spawn.client import Ended
from . import layout, prove
from .equal import difference
from .hanging import PATIENCE, hung
from .tables import n_rows, read_table
from .venvs import environment

if TYPE_CHECKING:
    from .prove import Verdict
    from .tables import Table
    from .version import ModelVersion

_ALONE = Path(__file__).with_name("alone.py")


def verify(version: ModelVersion, home: Path, timeout: float = PATIENCE) -> Verdict:
    """Prove a stored version where only its requirements are installed; the environment is kept below `home`.

    Raises NotProven, also where a requirement cannot be had or it has not answered after `timeout` seconds, or
    BundleRefused where the version was changed.
    """
    manifest = version.manifest
    prove.check(version.folder, manifest, version.ref)
    python = environment(version.folder, manifest, home, version.ref)
    begun = time.monotonic()
    expected = read_table(version.folder / layout.ANSWER, manifest.outputs)
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        answered = _answered(python, version, Path(place), n_rows(expected), timeout)
    if found := difference(expected, answered, exact=False):
        raise NotProven(
            f"{version.ref}: an environment of its requirements alone answers otherwise than its cell (whose answer "
            f"stands first): {found[0]}",
            where="; ".join(found[1:3]) or None,
            fix="see which package the cell used that the requirements do not name: %workbench source " + version.ref,
        )
    return prove.Verdict(
        name=version.ref,
        rows=n_rows(expected),
        exact=not difference(expected, answered, exact=True),
        bit_stable=manifest.bit_stable,
        row_wise=manifest.row_wise,
        row_wise_by=(manifest.verdict or {}).get("row_wise_by", "probes"),
        row_wise_reason="",
        seconds=round(time.monotonic() - begun, 3),
        packages=tuple(f"{name} {number}" for name, number in manifest.packages.items()),
        environment=str(python.parent.parent),
    )


def _answered(python: Path, version: ModelVersion, place: Path, rows: int, timeout: float) -> Table:
    try:
        ended = _run(python, version, place, rows, timeout)
    except subprocess.TimeoutExpired:
        raise hung(version.ref, "answering", timeout, "", version.folder) from None
    if (error := place / "error.json").exists():
        said = json.loads(error.read_text(encoding="utf-8"))
        raise NotProven(
            f"{version.ref}: an environment of its requirements alone cannot answer: {said['what']}",
            where=said["where"],
            fix="import what is missing in the cell, so that it is required, and capture again",
        )
    if not (place / "schema.json").exists():
        raise prove.died(version.ref, "answering", ended)
    return read_table(place / "answered.parquet", json.loads((place / "schema.json").read_text(encoding="utf-8")))


def _run(python: Path, version: ModelVersion, place: Path, rows: int, timeout: float) -> Ended:
    alone = {"PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    (place / "cwd").mkdir()
    begun = time.monotonic()
    done = subprocess.run(
        [str(python), "-P", str(_ALONE), str(version.folder), str(place), str(rows)],
        capture_output=True,
        text=True,
        errors="replace",
        env=prove.environment(version.folder, version.manifest) | alone,
        cwd=place / "cwd",
        check=False,
        timeout=timeout,
    )
    name = signal.Signals(-done.returncode).name if done.returncode < 0 else None
    return Ended(done.returncode, name, done.stdout + done.stderr, time.monotonic() - begun)

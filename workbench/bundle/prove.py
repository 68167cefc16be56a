"""A bundle -> the verdict of a clean process: it answers what the kernel answered, or it is not proven.

The clean process has another folder, the variables that deployments get, and a path without the notebook's folder. It
may die in any way; what it found, it writes to a file beside the bundle's, never into the bundle.
"""

from __future__ import annotations

import importlib
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import text
from ..capture.literals import literal
from ..errors import BundleRefused, NotProven, WorkbenchError
from ..spawn.environment import clean
from . import hanging, layout, packages, storage
from .layout import Json, Manifest
from .tables import n_rows, read_table, take, write_table

if TYPE_CHECKING:
    from ..capture.holdings import Holdings
    from ..inference.predictor import Predictor
    from ..spawn.client import Ended
    from .around import Around
    from .version import ModelVersion
    from .witness import Witness

_CHILD = "workbench.bundle.prove:child"
_PRELOADED = ("numpy", "pandas", "pyarrow", "pyarrow.parquet", "threadpoolctl")


@dataclass(frozen=True)
class Verdict:
    """What a clean process found. `rows` were compared, bit for bit if `exact`; `row_wise_by` is `probes` or
    `user`, `row_wise_reason` says what showed that the model is not row-wise; `packages` differ from the capture's.
    Where an `environment` of its own was built, in that folder, they are what it has."""

    name: str
    rows: int
    exact: bool
    bit_stable: bool
    row_wise: bool
    row_wise_by: str
    row_wise_reason: str
    seconds: float
    packages: tuple[str, ...] = ()
    environment: str = ""

    def __str__(self) -> str:
        equal = "bit for bit" if self.exact and self.bit_stable else "within the tolerance"
        stable = "" if self.bit_stable else ", not bit-stable"
        facts = f"{text.count(self.rows, 'row')}, {equal}{stable}, {text.seconds(self.seconds)}"
        who = "an environment of its requirements alone" if self.environment else "a clean process"
        lines = [f"{self.name} ✓ {who} answers what its cell answered ({facts})"]
        lines[0] += f" · {'row-wise' if self.row_wise else 'not row-wise'}"
        lines += [f"  rows  {self.row_wise_reason}"] * (not self.row_wise and bool(self.row_wise_reason))
        lines += [f"  with  {', '.join(self.packages)}"] * bool(self.packages)
        lines += [f"  in    {self.environment}"] * bool(self.environment)
        return "\n".join(lines)

    __repr__ = __str__

    def to_json(self) -> Json:
        return asdict(self)


def prove(
    folder: Path,
    seen: Witness,
    *,
    row_wise: bool | None = None,
    held: tuple[Holdings, Holdings] | None = None,
    timeout: float = hanging.PATIENCE,
) -> Verdict:
    """Prove a bundle that was just written against the kernel's answers, and write the verdict into its manifest.

    `row_wise` is what the user says of the model; the probes are then not asked. `held` is what its modules held
    there, at capture and once it had answered. Raises NotProven, also after `timeout` seconds in
    one step of it.
    """
    manifest = layout.read_manifest(folder)
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        rows = folder if manifest.has_reference else _write_sample(Path(place), seen)
        verdict = _verdict(folder, manifest, rows, Path(place), manifest.name, row_wise, timeout, seen, held)
    kept = ("rows", "exact", "seconds", "row_wise_by", "row_wise_reason")
    short = {key: value for key, value in verdict.to_json().items() if key in kept}
    stable = verdict.bit_stable
    layout.write_manifest(folder, replace(manifest, row_wise=verdict.row_wise, bit_stable=stable, verdict=short))
    return verdict


def verify(version: ModelVersion, home: Path, timeout: float = hanging.PATIENCE) -> Verdict:
    """Prove a stored version again under this Python and these packages; the proof is kept below `home`, so that
    the version can be used under them. Raises NotProven, also after `timeout` seconds, or BundleRefused where it was
    changed."""
    return again(version.folder, version.manifest, home, version.ref, timeout)


def again(folder: Path, manifest: Manifest, home: Path, name: str, timeout: float = hanging.PATIENCE) -> Verdict:
    """The same for a bundle in any folder, called `name` in what is said."""
    from .load import check_python

    check_python(manifest, name)
    check(folder, manifest, name)
    said = manifest.row_wise if (manifest.verdict or {}).get("row_wise_by") == "user" else None
    others = tuple(packages.differences(manifest.packages).values())
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        try:
            found = _verdict(folder, manifest, folder, Path(place), name, said, timeout)
            verdict = replace(found, packages=others)
        except NotProven as error:
            error.what += f" (captured with other packages: {', '.join(others)})" if others else ""
            raise
    file = packages.proof_file(home, manifest)
    with storage.writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        storage.write_text(file, json.dumps(verdict.to_json()) + "\n")
    return verdict


def check(folder: Path, manifest: Manifest, name: str) -> None:
    """That a bundle can be proven again: BundleRefused where it was changed, NotProven where it keeps no rows."""
    layout.check_files(folder, manifest, name)
    if not manifest.has_reference:
        raise NotProven(
            f"{name} keeps no rows to prove it on: it was captured with --no-reference",
            fix=f"capture it again, which proves it: %%model {manifest.name} --example FRAME --no-reference",
        )


def _write_sample(place: Path, seen: Witness) -> Path:
    """The rows that the bundle may not keep, beside it, for the clean process alone."""
    with storage.writing(place):
        write_table(place / layout.REFERENCE, seen.sample, seen.schema)
        write_table(place / layout.ANSWER, seen.answer, seen.outputs)
    return place


def _verdict(
    folder: Path,
    manifest: Manifest,
    rows: Path,
    place: Path,
    name: str,
    said: bool | None,
    timeout: float,
    seen: Witness | None = None,
    held: tuple[Holdings, Holdings] | None = None,
) -> Verdict:
    """Other packages and processors add in other orders: only what the kernel has just `seen` must be equal in every
    bit, and only where the kernel, asked more often, keeps agreeing with itself."""
    begun = time.monotonic()
    args = {"folder": str(folder), "rows": str(rows), "name": name, "probe": said is None, "held": held or ({}, {})}
    found = _ask(args, manifest, place, timeout)
    stable = manifest.bit_stable
    if found["inexact"] and seen and stable:
        stable = not seen.wavers()
    if differences := found["differences"] or (found["inexact"] if seen and stable else []):
        raise NotProven(
            f"{name}: a clean process answers otherwise than this cell (whose answer stands first): {differences[0]}",
            where="; ".join(differences[1:3]) or None,
            fix="look for what predict reads beside its arguments: variables of the environment, files, time, chance",
        )
    return Verdict(
        name=name,
        rows=found["rows"],
        exact=not found["inexact"],
        bit_stable=stable,
        row_wise=found["row_wise"] if said is None else said,
        row_wise_by="probes" if said is None else "user",
        row_wise_reason=found["row_wise_reason"],
        seconds=round(time.monotonic() - begun, 3),
    )


def _ask(args: Json, manifest: Manifest, place: Path, timeout: float) -> Json:
    """What the clean process found; NotProven if it died, raised or hung."""
    from ..spawn.client import run

    name, answer, cwd = args["name"], place / "found.json", place / "cwd"
    cwd.mkdir()
    env = environment(Path(args["folder"]), manifest)
    preload = (*_PRELOADED, *packages.loaded_modules(manifest.packages))
    args = {**args, "answer": str(answer), "timeout": timeout}
    ended = run(_CHILD, args, env=env, cwd=cwd, preload=preload, timeout=hanging.in_all(timeout))
    found: Json = json.loads(answer.read_text()) if answer.exists() else {"stage": "started"}
    if "error" in found:
        raise _raised(name, found["error"])
    if "differences" not in found and hanging.has_hung(ended):
        raise hanging.hung(name, found["stage"], timeout, ended.output, Path(args["folder"]))
    if "differences" not in found:
        raise died(name, found["stage"], ended)
    return found


def environment(folder: Path, manifest: Manifest) -> dict[str, str]:
    """The variables of a clean process: what deployments get, those that the model reads by name, and its code."""
    read = {name: os.environ[name] for name in manifest.environment if name in os.environ}
    return clean(threads=1) | read | {"PYTHONPATH": str(folder / layout.CODE)}


def _raised(name: str, error: Json) -> WorkbenchError:
    kind = BundleRefused if error["kind"] == "BundleRefused" else NotProven
    told = error["kind"] in ("BundleRefused", "NotProven")
    what = error["what"] if told else f"{name}: a clean process cannot answer: {error['what']}"
    fix = error["fix"] or "make the cell work with what it takes along, alone"
    if "FileNotFoundError" in what:
        fix = "write the path of the file as it is, so that it comes along, or keep its contents in a global"
    return kind(what, where=error["where"], fix=fix)


def died(name: str, stage: str, ended: Ended) -> NotProven:
    """What is told of a process that ended while it was `stage`: started, loading or answering."""
    how = ended.signal or f"exit status {ended.status}"
    doing = {"started": f"while it started for {name}", "loading": f"while it loaded {name}"}
    hint = (
        "it may have run out of memory" if ended.signal == "SIGKILL" else "see what a library that it uses does there"
    )
    last = [line for line in ended.output.strip().splitlines() if line.strip()][-1:]
    return NotProven(
        f"the clean process died ({how}) {doing.get(stage, f'while {name} answered')}",
        where=f"its last words: {last[0][:300]}" if last else None,
        fix=hint,
    )


def child(args: Json) -> None:
    """In the clean process: load the bundle, score the sample, compare, probe; write what was found to `answer`."""
    told, folder, name = Path(args["answer"]), Path(args["folder"]), args["name"]
    try:
        _begin(told, "loading", args["timeout"])
        from .around import Around
        from .load import load
        from .witness import one_thread

        with one_thread(), hanging.alarm_off():
            predictor = load(folder, name=name, allow_packages=True)
            _begin(told, "answering", args["timeout"])
            manifest = layout.read_manifest(folder)
            _check_installed(manifest, name)
            found = _compare(predictor, manifest, args, Around(folder, manifest, *args["held"]))
        _say(told, found)
    except WorkbenchError as error:
        _say(told, {"error": {"kind": type(error).__name__, **_words(error)}})
    except Exception as error:
        _say(told, {"error": {"kind": "", "what": f"{type(error).__name__}: {error}", "where": None, "fix": None}})


def _check_installed(manifest: Manifest, name: str) -> None:
    """NotProven for a plain value of an installed module that the kernel had otherwise."""
    for path, there in manifest.installed.items():
        module, _, attribute = path.rpartition(".")
        here = literal(getattr(importlib.import_module(module), attribute, None))
        if here != there:
            raise NotProven(
                f"{path} is {there} in this notebook and {here} where nothing changed it",
                fix=f"restart the kernel and run the cells that {name} needs, or keep {there} under a name of your own",
            )


def _words(error: WorkbenchError) -> Json:
    return {"what": error.what, "where": error.where, "fix": error.fix}


def _compare(predictor: Predictor, manifest: Manifest, args: Json, around: Around) -> Json:
    from .equal import difference
    from .probes import RowWise, row_wise

    rows = Path(args["rows"])
    expected = read_table(rows / layout.ANSWER, manifest.outputs)
    reference = read_table(rows / layout.REFERENCE, manifest.schema)
    sample = take(reference, range(n_rows(expected)))
    try:
        answered = predictor.predict(sample)
    finally:  # it may have failed for what these lack
        around.check()
    inexact = difference(expected, answered, exact=True)
    differences = difference(expected, answered, exact=False) if inexact else []
    _begin(Path(args["answer"]), "probing", args["timeout"])
    rowwise = row_wise(predictor, sample, answered) if args["probe"] and not differences else RowWise(False)
    return {
        "rows": n_rows(expected),
        "inexact": inexact[:3],
        "differences": differences,
        "row_wise": rowwise.holds,
        "row_wise_reason": rowwise.reason,
    }


def _begin(answer: Path, stage: str, timeout: float) -> None:
    _say(answer, {"stage": stage})
    hanging.set_alarm(timeout)


def _say(answer: Path, found: Json) -> None:
    storage.write_text(answer, json.dumps(found))

"""A version that needs other packages, or another Python -> a predictor that asks a process in an environment of the
version's own."""

from __future__ import annotations

import json
import platform
import signal
import struct
import subprocess
import threading
import weakref
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, BundleRefused, ModelFailed, WorkbenchError
from ..inference.predictor import Predictor
from ..inference.schema import Schema
from . import isolated, packages, prove, storage
from .layout import Manifest, check_files
from .venvs import environment

if TYPE_CHECKING:
    from ..inference.fields import Table
    from .version import ModelVersion

_ANSWERER = Path(__file__).with_name("answerer.py")
_LENGTHS = struct.Struct("!QQ")
_ALONE = {"PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
_FIX = "%workbench verify {} --isolated says what is wrong with it there"


def differs(manifest: Manifest) -> str:
    """What a version needs that this process has not: `Python 3.12, scikit-learn 1.8.0`; empty where it has all."""
    there, here = (".".join(python.split(".")[:2]) for python in (manifest.python, platform.python_version()))
    needs = [f"Python {there}"] * (there != here)
    return ", ".join(needs + [f"{name} {manifest.packages[name]}" for name in packages.differences(manifest.packages)])


def equip(version: ModelVersion, home: Path) -> None:
    """Make the environment of a version that needs one, and prove the version there, once. BundleRefused where the
    version was changed, NotProven where its environment cannot be had, or answers otherwise than the cell did."""
    if not differs(version.manifest):
        return
    python = environment(version.folder, version.manifest, home, version.ref)
    proof = home / "proofs" / f"{version.manifest.fingerprint[:32]}-{python.parent.parent.name}.json"
    if proof.exists() or not version.manifest.has_reference:
        return
    verdict = isolated.verify(version, home)
    with storage.writing(proof.parent):
        proof.parent.mkdir(parents=True, exist_ok=True)
        storage.write_text(proof, json.dumps(verdict.to_json()) + "\n")


def owned(version: ModelVersion, home: Path) -> Predictor:
    """The version in an environment of its own, where it needs one, proven there. BundleRefused, NotProven."""
    equip(version, home)
    return version.predictor(home, own=True)


class Own(Predictor):
    """Asks a process of the version's environment, one call after the other; `needs` is why it has one. Rows that end
    the process are refused as ModelFailed; one that was killed, which others may have done, is asked once more. The
    next call begins another process. BundleRefused where it cannot be loaded, NotProven where its environment cannot
    be made."""

    def __init__(self, version: ModelVersion, home: Path) -> None:
        manifest = version.manifest
        super().__init__(_nothing, Schema.from_json(manifest.schema), name=version.ref, row_wise=manifest.row_wise)
        self.needs, self.version = differs(manifest), version
        self.python = environment(version.folder, manifest, home, version.ref)
        self._lock = threading.Lock()
        self._process, explains = _begun(version, self.python)
        self._end = _ended_with(self, self._process)
        if explains:
            self.function = _Explaining(weakref.proxy(self))

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def predict(self, data: Any, *, owned: bool = False) -> Table:
        """As of any predictor; ModelFailed also where the model's process ends at these rows."""
        head, answered = self._said("predict", data)
        return Schema.from_json(head["schema"]).decode(_table(answered))

    def explain(self, data: Any) -> Any:
        """What the model's own `explain` says of the rows, as a frame or an array, or with their `base_values`."""
        import numpy as np
        import pandas as pd

        head, answered = self._said("explain", data)
        values = np.frombuffer(answered).reshape(head["shape"])
        if head["base"] is not None:
            return _Based(values, head["base"])
        return values if head["names"] is None else pd.DataFrame(values, columns=head["names"])

    def _said(self, do: str, data: Any) -> tuple[dict[str, Any], bytes]:
        asked = _encoded(self.schema, self.schema.table(data))
        with self._lock:
            said = self._ask(do, asked)
            if isinstance(said, int) and said in _FROM_OUTSIDE:
                said = self._ask(do, asked)
        if isinstance(said, int):
            what = f"{self.name} ended its process: {_words(said)}"
            raise ModelFailed(what, fix="leave such rows out, or see what its packages do: " + _FIX.format(self.name))
        if "kind" in said[0]:
            raise _told(said[0])
        return said

    def parts(self, data: Any) -> Generator[Table, None, None]:
        """The whole answer at once: parts do not come from another process."""
        yield self.predict(data)

    def _ask(self, do: str, table: bytes) -> tuple[dict[str, Any], bytes] | int:
        """The answer, or how the process ended meanwhile."""
        if self._process.poll() is not None:
            self._end.detach()
            self._process, _ = _begun(self.version, self.python)
            self._end = _ended_with(self, self._process)
        assert self._process.stdin
        try:
            head = json.dumps({"do": do}).encode()
            self._process.stdin.write(_LENGTHS.pack(len(head), len(table)) + head + table)
            self._process.stdin.flush()
            return _read(self._process)
        except (OSError, EOFError):
            return self._process.wait()


def _nothing(given: Any) -> Any:
    raise NotImplementedError("the process answers")


@dataclass(frozen=True)
class _Explaining:
    """Stands for the model, whose own `explain` is in its process."""

    own: Own

    def __call__(self, given: Any) -> Any:
        return _nothing(given)

    def explain(self, given: Any) -> Any:
        """What it says there."""
        return self.own.explain(given)


@dataclass(frozen=True)
class _Based:
    """An explanation as SHAP has it: values for each row and column, and what they add up from."""

    values: Any
    base_values: Any


def _ended_with(owner: Own, process: subprocess.Popen[bytes]) -> weakref.finalize[[subprocess.Popen[bytes]], Own]:
    """A process ends with the predictor that asks it, and with the process of that."""
    end = weakref.finalize(owner, _end, process)
    end.atexit = False
    return end


def _end(process: subprocess.Popen[bytes]) -> None:
    """It ends once nobody can ask it any more; who lets go of it may be in a hurry."""
    assert process.stdin
    process.stdin.close()
    threading.Thread(target=process.wait, daemon=True).start()


def _begun(version: ModelVersion, python: Path) -> tuple[subprocess.Popen[bytes], bool]:
    """The process, once it has loaded the version, and whether that explains itself. BundleRefused where it cannot."""
    check_files(version.folder, version.manifest, version.ref)
    try:
        process = subprocess.Popen(
            [str(python), "-P", str(_ANSWERER), str(version.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=prove.environment(version.folder, version.manifest) | _ALONE,
        )
    except OSError as error:
        said = f"{version.ref} has lost its environment: {python}: {error.strerror}"
        raise BundleRefused(said, fix="--env own, said again, makes it again") from error
    try:
        head, _ = _read(process)
    except EOFError:
        head = {"what": f"its process ended: {_words(process.wait())}"}
    if "ready" not in head:
        _end(process)
        said = f"{version.ref} cannot be loaded in its own environment: {head['what']}"
        raise BundleRefused(said, where=head.get("where"), fix=_FIX.format(version.ref))
    return process, head.get("explains", False)


def _read(process: subprocess.Popen[bytes]) -> tuple[dict[str, Any], bytes]:
    head, table = _LENGTHS.unpack(_exactly(process, _LENGTHS.size))
    return json.loads(_exactly(process, head)), _exactly(process, table)


def _exactly(process: subprocess.Popen[bytes], count: int) -> bytes:
    assert process.stdout
    found = process.stdout.read(count)
    if len(found) < count:
        raise EOFError
    return found


def _encoded(schema: Schema, table: Table) -> bytes:
    import pyarrow as pa

    sink, arrow = pa.BufferOutputStream(), schema.encode(table)
    with pa.ipc.new_stream(sink, arrow.schema) as stream:
        stream.write_table(arrow)
    return bytes(sink.getvalue())


def _table(answered: bytes) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(answered).read_all()


def _told(head: dict[str, Any]) -> WorkbenchError:
    said = {"where": head["where"], "fix": head["fix"] or "call it in a notebook with these rows"}
    if head["kind"] == "BadInput":
        return BadInput(head["what"], column=head["column"], row=head["row"], **said)
    return ModelFailed(head["what"], **said)


def _words(code: int) -> str:
    return f"{signal.strsignal(-code)} (signal {-code})" if code < 0 else f"exit code {code}"

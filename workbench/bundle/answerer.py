"""Run by the Python of a version's own environment, without Workbench: answers one table after the other with what the
bundle carries.

`python -P answerer.py BUNDLE` reads from its input and writes to its output: the lengths of a head in JSON and of what
belongs to it (eight bytes each), then both. That is a table in Arrow's stream format, or the numbers of an explanation.
It imports nothing of Workbench but the copy inside the bundle, and ends when its input does, in whatever call the model
is then.
"""

import importlib
import inspect
import json
import os
import queue
import struct
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

_LENGTHS = struct.Struct("!QQ")


def main(folder: Path) -> None:
    """Load the bundle, then answer until nobody asks."""
    asked: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, asked), daemon=True).start()
    answered = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the model prints is no answer
    try:
        model = _Model(folder)
    except BaseException as error:
        _write(answered, _told(error))
        raise SystemExit(1) from error
    _write(answered, {"ready": True, "explains": model.explains is not None})
    while True:
        _write(answered, *_answer(model, *asked.get()))


def _read(given: BinaryIO, asked: "queue.SimpleQueue[tuple[dict[str, Any], bytes]]") -> None:
    while lengths := given.read(_LENGTHS.size):
        head, table = _LENGTHS.unpack(lengths)
        asked.put((json.loads(given.read(head)), given.read(table)))
    os._exit(0)


class _Model:
    """What the bundle in a folder carries, loaded."""

    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.inference = f"wb_{manifest['capture_id']}._wb.inference"
        sys.path.append(str(folder / "code"))
        self.predictor: Any = self.part("pyfunc")._load_pyfunc(str(folder)).predictor
        self.explains: Any = None
        try:
            self.explains = self.part("surroundings").method(self.predictor.function, "explain")
        except (ImportError, AttributeError):
            pass  # the copy of an older Workbench

    def part(self, name: str) -> Any:
        """A module of the copy."""
        return importlib.import_module(f"{self.inference}.{name}")

    def answer(self, rows: Any) -> tuple[dict[str, Any], bytes]:
        """What it answers to a table, with the schema of that."""
        import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

        answered = self.predictor.predict(rows)
        schema, sink = self.part("schema").Schema.infer_table(answered), pa.BufferOutputStream()
        table = schema.encode(answered)
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        return {"schema": schema.to_json()}, sink.getvalue().to_pybytes()

    def explain(self, rows: Any) -> tuple[dict[str, Any], bytes]:
        """What its own `explain` says of a table: numbers, with their shape, the names of their columns and the bases
        that they add up from, where it says these."""
        import numpy as np

        try:
            said = self.explains(self.predictor.schema.build(rows))
            said = self.part("awaiting").finished(said) if inspect.iscoroutine(said) else said
        except Exception as error:
            raise self.part("predictor").failed("its own `explain`", error) from error
        base = getattr(said, "base_values", None)
        said = said if base is None else said.values
        names = list(map(str, said)) if isinstance(said, dict) or hasattr(said, "columns") else None
        columns = [np.asarray(said[name], dtype=float) for name in said] if names else []
        values = np.ascontiguousarray(np.stack(columns, axis=1) if names else said, dtype=float)
        head = {"names": names, "shape": values.shape, "base": None if base is None else np.asarray(base).tolist()}
        return head, values.tobytes()


def _answer(model: _Model, head: dict[str, Any], given: bytes) -> tuple[dict[str, Any], bytes]:
    import pyarrow as pa

    try:
        rows = model.predictor.schema.decode(pa.ipc.open_stream(given).read_all())
        return model.explain(rows) if head["do"] == "explain" else model.answer(rows)
    except Exception as error:
        return _told(error), b""


def _told(error: BaseException) -> dict[str, Any]:
    said = {name: getattr(error, name, None) for name in ("what", "where", "fix", "column", "row")}
    return {"kind": type(error).__name__, **said, "what": said["what"] or f"{type(error).__name__}: {error}"}


def _write(file: BinaryIO, head: dict[str, Any], table: bytes = b"") -> None:
    said = json.dumps(head).encode()
    file.write(_LENGTHS.pack(len(said), len(table)) + said + table)
    file.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

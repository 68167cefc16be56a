"""Run by the Python of a version's own environment, without Workbench: answers one table after the other with what the
bundle carries.

`python -P answerer.py BUNDLE` reads from its input and writes to its output: the lengths of a head in JSON and of a
table in Arrow's stream format (eight bytes each), then both. It imports nothing of Workbench but the copy inside the
bundle, and ends when its input does, in whatever call the model is then.
"""

import importlib
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
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, asked), daemon=True).start()
    answered = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the model prints is no answer
    try:
        predictor, schemas = _loaded(folder)
    except BaseException as error:
        _write(answered, _told(error))
        raise SystemExit(1) from error
    _write(answered, {"ready": True})
    while True:
        _write(answered, *_answer(predictor, schemas, asked.get()))


def _read(given: BinaryIO, asked: "queue.SimpleQueue[bytes]") -> None:
    while lengths := given.read(_LENGTHS.size):
        head, table = _LENGTHS.unpack(lengths)
        given.read(head)
        asked.put(given.read(table))
    os._exit(0)


def _loaded(folder: Path) -> tuple[Any, Any]:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    inference = f"wb_{manifest['capture_id']}._wb.inference"
    sys.path.append(str(folder / "code"))
    model: Any = importlib.import_module(f"{inference}.pyfunc")._load_pyfunc(str(folder))
    return model.predictor, importlib.import_module(f"{inference}.schema").Schema


def _answer(predictor: Any, schemas: Any, given: bytes) -> tuple[dict[str, Any], bytes]:
    import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

    try:
        answered = predictor.predict(predictor.schema.decode(pa.ipc.open_stream(given).read_all()))
    except Exception as error:
        return _told(error), b""
    schema, sink = schemas.infer_table(answered), pa.BufferOutputStream()
    table = schema.encode(answered)
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return {"schema": schema.to_json()}, sink.getvalue().to_pybytes()


def _told(error: BaseException) -> dict[str, Any]:
    said = {name: getattr(error, name, None) for name in ("what", "where", "fix", "column", "row")}
    return {"kind": type(error).__name__, **said, "what": said["what"] or f"{type(error).__name__}: {error}"}


def _write(file: BinaryIO, head: dict[str, Any], table: bytes = b"") -> None:
    said = json.dumps(head).encode()
    file.write(_LENGTHS.pack(len(said), len(table)) + said + table)
    file.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Run by the Python of an environment without Workbench: answer a bundle's reference with what the bundle carries.

`python -P alone.py BUNDLE PLACE ROWS` writes into the folder PLACE `answered.parquet` and `schema.json`, or
`error.json` with what went wrong. It imports nothing of Workbench but the copy inside the bundle.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def main(folder: Path, place: Path, rows: int) -> None:
    """Answer the first `rows` rows of the reference."""
    try:
        _answer(folder, place, rows)
    except Exception as error:
        said = {name: getattr(error, name, None) for name in ("what", "where", "fix")}
        said["what"] = said["what"] or f"{type(error).__name__}: {error}"
        (place / "error.json").write_text(json.dumps(said), encoding="utf-8")


def _answer(folder: Path, place: Path, rows: int) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    inference = f"wb_{manifest['capture_id']}._wb.inference"
    sys.path.append(str(folder / "code"))
    model: Any = importlib.import_module(f"{inference}.pyfunc")._load_pyfunc(str(folder))
    schemas: Any = importlib.import_module(f"{inference}.schema").Schema

    import pyarrow.parquet as pq  # type: ignore[import-untyped, unused-ignore]

    given = pq.read_table(folder / "reference.parquet").slice(0, rows)
    answered = model.predictor.predict(schemas.from_json(manifest["schema"]).decode(given))
    schema = schemas.infer_table(answered)
    pq.write_table(schema.encode(answered), place / "answered.parquet")
    (place / "schema.json").write_text(json.dumps(schema.to_json()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

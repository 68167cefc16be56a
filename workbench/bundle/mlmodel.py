"""The files by which MLflow reads a bundle, written without MLflow (its import alone costs over a second).

YAML is written as JSON, which is YAML, but for `requirements.txt`. Facts of the format that count: `outputs`
must be there (MLServer fails without), `loader_module` is imported from `code`, the path given to
`_load_pyfunc` is the bundle itself since the flavor has no `data`.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .layout import CODE, EXAMPLE, REQUIREMENTS, Json, Manifest
from .tables import Table

if TYPE_CHECKING:
    from ..inference.schema import Schema

EXAMPLE_ROWS = 5
_SPECS = {
    "bool": "boolean",
    "int32": "integer",
    "int64": "long",
    "float32": "float",
    "float64": "double",
    "str": "string",
    "string": "string",
}


def write_files(folder: Path, manifest: Manifest, schema: Schema, outputs: Schema, example: Table | None) -> None:
    """Writes MLmodel, requirements.txt, python_env.yaml, conda.yaml and, with rows to show, the input example."""
    _write_environment(folder, manifest)
    model: Json = {
        "flavors": {"python_function": _flavor(manifest)},
        "signature": signature(schema, outputs),
        "utc_time_created": str(manifest.origin.get("created", ""))[:19].replace("T", " "),
        "metadata": {"workbench": {"name": manifest.name, "capture_id": manifest.capture_id}},
    }
    if example is not None:
        content, model["saved_input_example_info"] = _example(schema, example)
        (folder / EXAMPLE).write_text(content, encoding="utf-8")
    (folder / "MLmodel").write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


def _flavor(manifest: Manifest) -> Json:
    return {
        "loader_module": f"{manifest.package}._wb.inference.pyfunc",
        "code": CODE,
        "python_version": manifest.python,
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
    }


def _write_environment(folder: Path, manifest: Manifest) -> None:
    pins = [f"{name}=={version}" for name, version in sorted(manifest.packages.items())]
    (folder / REQUIREMENTS).write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
    virtual = {"python": manifest.python, "build_dependencies": ["pip"], "dependencies": [f"-r {REQUIREMENTS}"]}
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={manifest.python}", "pip", {"pip": ["mlflow", *pins]}],
    }
    for name, content in (("python_env.yaml", virtual), ("conda.yaml", conda)):
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def signature(schema: Schema, outputs: Schema) -> Json:
    """MLflow's signature: column specs for frames, tensor specs for arrays; each a JSON text, as MLflow has them."""
    return {
        "inputs": json.dumps(_columns(schema) if schema.kind == "frame" else _tensors(schema)),
        "outputs": json.dumps(_columns(outputs)),
        "params": None,
    }


def _columns(schema: Schema) -> list[Json]:
    """A column that MLflow's types cannot say (categories, nullable numbers, dates) is `any`: our schema checks it."""
    return [_column(field) for field in schema.fields]


def _column(field: Any) -> Json:
    spec = _SPECS.get(field.dtype, "any") if not field.shape else "any"
    return {"type": spec, "name": field.name, "required": True}


def _tensors(schema: Schema) -> list[Json]:
    named = schema.kind == "dict"
    return [_tensor(field, field.name if named else None) for field in schema.fields]


def _tensor(field: Any, name: str | None) -> Json:
    spec = {"dtype": field.dtype, "shape": [-1, *field.shape]}
    return {"type": "tensor", **({"name": name} if name else {}), "tensor-spec": spec}


def _example(schema: Schema, example: Table) -> tuple[str, Json]:
    """The text of `input_example.json` and what MLmodel says about it."""
    built = schema.build(example)
    if schema.kind == "frame":
        for field in schema.fields:
            if field.kind == "bytes":  # JSON has none; MLflow writes them so
                built[field.name] = [
                    None if value is None else base64.b64encode(value).decode() for value in built[field.name]
                ]
        written = built.to_json(orient="split", index=False, date_format="iso", double_precision=15)
        return written, {"artifact_path": EXAMPLE, "type": "dataframe", "pandas_orient": "split"}
    arrays = built if schema.kind == "array" else {name: values.tolist() for name, values in built.items()}
    inputs = arrays if isinstance(arrays, dict) else arrays.tolist()
    return json.dumps({"inputs": inputs}), {"artifact_path": EXAMPLE, "type": "ndarray", "format": "tf-serving"}

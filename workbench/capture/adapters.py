"""A file or folder that a model was saved in elsewhere -> the cell that uses it, in a session that has run it."""

from __future__ import annotations

import ast
import dataclasses
import io
import re
import tempfile
import zipfile
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from ..errors import NotFound, UsageError
from .captured import Cell, Session
from .savers import external_files

_ENTRY = "Model"
_DATE = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def onnx(file: Path, session: Session) -> tuple[str, Session]:
    """The entry for an ONNX file, and the session in which it is. NotFound without onnxruntime, and for a file of its
    weights that is not beside it; UsageError where the file is no network."""
    runtime = _needed("onnxruntime", "onnxruntime", f"{file.name} is an ONNX file")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        network = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        _refuse_without_weights(file)
        said = str(error).strip().split("\n")[0]
        raise UsageError(
            f"{file} is no network that onnxruntime can run: {said}", fix="export it again, as one file"
        ) from error
    return _run(_text("onnx_cell.py"), session, file.name, {"network": network})


def _refuse_without_weights(file: Path) -> None:
    missing = [name for name in external_files(file.read_bytes()) if not (file.parent / name).is_file()]
    if missing:
        what = f"{file.name} keeps its weights in {', '.join(missing)}, which is not beside it"
        raise NotFound(what, fix=f"put {missing[0]} into {file.absolute().parent}, or export the network as one file")


def mlflow(folder: Path, session: Session, name: str = "") -> tuple[str, Session]:
    """The entry for a model folder of MLflow, of any flavour, likewise; what it requires is imported by its cell."""
    _needed("mlflow.pyfunc", "mlflow-skinny", f"{folder.name} is a model folder of MLflow")
    anchor = "import mlflow.pyfunc\n"
    needed = "".join(f"        import {name}\n" for name in _required(folder))
    text = _text("mlflow_cell.py").replace(anchor, anchor + needed)
    return _run(text, session, name or folder.name, {"folder": _zipped(folder)})


def stored(uri: str, session: Session) -> tuple[str, Session]:
    """The entry for a model that an MLflow registry or run holds, `models:/churn/3`, `runs:/<id>/model`, likewise.
    NotFound where there is none, or no MLflow."""
    artifacts = _needed("mlflow.artifacts", "mlflow-skinny", f"{uri} is a model that MLflow keeps")
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        try:
            folder = Path(artifacts.download_artifacts(artifact_uri=uri, dst_path=place))
        except Exception as error:
            said = str(error).strip().split("\n")[0]
            asked = import_module("mlflow").get_tracking_uri()
            raise NotFound(
                f"{uri} cannot be read from {asked}: {said}",
                fix="name a model and version that are there, and the server by MLFLOW_TRACKING_URI",
            ) from error
        return mlflow(folder, session, uri)


def _needed(module: str, distribution: str, why: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise NotFound(f"{why}; {module} is not installed", fix=f"pip install {distribution}") from error


def _text(file: str) -> str:
    """The statements of one of the cells, without the docstring that is about it."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    first = ast.parse(text).body[0].end_lineno or 0
    return "\n".join(text.splitlines()[first:]).strip() + "\n"


def _run(text: str, session: Session, name: str, given: dict[str, Any]) -> tuple[str, Session]:
    """What the cell defines goes over what the session has of the same names, in a session of its own."""
    namespace = {"__name__": "__main__", **session.namespace}
    exec(compile(text, f"<{name}>", "exec", dont_inherit=True), namespace)  # noqa: S102 (our own text)
    namespace |= given
    cell = Cell(None, text, name)
    return _ENTRY, dataclasses.replace(session, namespace=namespace, cells=(*session.cells, cell))


def _zipped(folder: Path) -> bytes:
    """The folder in one piece; the same folder gives the same bytes. What names a notebook's `__main__` is compressed:
    cloudpickle keeps such classes by value, and as plain bytes they would be taken for pickles of this notebook."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                content = file.read_bytes()
                way = zipfile.ZIP_DEFLATED if b"__main__" in content else zipfile.ZIP_STORED
                packed.writestr(zipfile.ZipInfo(file.relative_to(folder).as_posix(), _DATE), content, way)
    return made.getvalue()


def _required(folder: Path) -> list[str]:
    """The modules of what `requirements.txt` names and is installed here. What is another version here, or missing,
    MLflow says when it loads the folder, and the proof whether it will do."""
    file = folder / "requirements.txt"
    names = [_NAME.match(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []
    known = {found.group() for found in names if found and not found.group().startswith("mlflow")}
    return sorted({module for name in known for module in _modules_of(name)})


def _modules_of(distribution: str) -> list[str]:
    """The modules that a distribution is imported as; those that begin with `_` are its own."""
    wanted = re.sub(r"[-_.]+", "-", distribution).lower()
    names = metadata.packages_distributions()
    known = [m for m, of in names.items() if any(re.sub(r"[-_.]+", "-", one).lower() == wanted for one in of)]
    return [module for module in known if module.isidentifier() and not module.startswith("_")][:1]

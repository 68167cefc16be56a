"""What a person names as the model -> the global of a session that capture starts from."""

from __future__ import annotations

import dataclasses
import importlib
import os
import pickle
import sys
from pathlib import Path
from typing import Any

from ..errors import NotFound, UsageError
from . import adapters
from .captured import Cell, Session, predicts

_USUAL = ("predict", "Model", "model")
_LOADERS = {
    ".pkl": "pickle.load(open({!r}, 'rb'))",
    ".pickle": "pickle.load(open({!r}, 'rb'))",
    ".joblib": "joblib.load({!r})",
}
_KEPT_BY_MLFLOW = ("models:/", "runs:/", "mlflow-artifacts:/")


def entry(thing: Any, session: Session) -> tuple[str, Session]:
    """The name that `thing` has in `session`; a session in which it has one, where it had none.

    `thing` is a live object, `module:object`, a .pkl or .joblib file that holds an object with `predict`, an .onnx
    file, a model folder of MLflow, or the URI of a model that MLflow keeps, `models:/churn/3`.
    """
    if isinstance(thing, str) and thing.startswith(_KEPT_BY_MLFLOW):
        return adapters.stored(thing, session)
    saved = Path(thing) if isinstance(thing, str | os.PathLike) else None
    if saved and saved.suffix == ".onnx":
        return adapters.onnx(_there(saved), session)
    if saved and saved.is_dir():
        return _folder(saved, session)
    if saved and saved.suffix in _LOADERS:
        text = "{} = " + _LOADERS[saved.suffix].format(saved.name)
        return _named(_checked(_file(_there(saved))), session, text, saved.name)
    if saved is None:
        return _named(_checked(thing), session)
    module, _, attribute = str(thing).partition(":")
    text = "" if "." in attribute else f"from {module} import {attribute} as {{}}"
    return _named(_checked(_imported(str(thing))), session, text, module)


def _checked(thing: Any) -> Any:
    """What predicts; UsageError for all else."""
    if not callable(thing) and not predicts(thing):
        raise UsageError(
            f"a {type(thing).__name__} does not predict",
            fix="name a function of a frame, a class or object with `predict`, `module:object`, or a .pkl file",
        )
    if isinstance(thing, type) and not callable(getattr(thing, "predict", None)):
        raise UsageError(f"the class {thing.__name__} has no `predict`", fix="give it a method predict(self, frame)")
    return thing


def _named(thing: Any, session: Session, text: str = "", label: str = "") -> tuple[str, Session]:
    """The object's name, or one that is free; what a file or module holds is bound by a cell called so, with `text`."""
    names = [name for name, value in session.namespace.items() if value is thing and not name.startswith("_")]
    if names:
        return min(names, key=lambda n: _USUAL.index(n) if n in _USUAL else len(_USUAL)), session
    name = _free_name(thing, session)
    cells = (*session.cells, Cell(None, text.replace("{}", name, 1), label)) if text else session.cells
    return name, dataclasses.replace(session, namespace={**session.namespace, name: thing}, cells=cells)


def _folder(folder: Path, session: Session) -> tuple[str, Session]:
    if (folder / "MLmodel").is_file():
        return adapters.mlflow(folder, session)
    what = f"{folder.absolute()} is no model folder: it has no file MLmodel"
    raise NotFound(what, fix="name a model folder of MLflow or of Workbench, or a file in it")


def _there(file: Path) -> Path:
    if not file.is_file():
        raise NotFound(f"there is no file {file.absolute()}", fix=f"name a {file.suffix} file that is there")
    return file


def _free_name(thing: Any, session: Session) -> str:
    own = getattr(thing, "__name__", "")
    name = own if own.isidentifier() else "predict" if callable(thing) and not predicts(thing) else "model"
    while name in session.namespace:
        name += "_"
    return name


def _imported(path: str) -> Any:
    module_name, colon, attribute = path.partition(":")
    if not colon or not module_name:
        raise NotFound(
            f"{path!r} is no name of this notebook and no `module:object`",
            fix="name the object as in `shop.models:predict`, a .pkl, .joblib or .onnx file, a model folder, or "
            "models:/NAME/VERSION of MLflow",
        )
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        fix = "run this in the folder of the module" if error.name == module_name else f"pip install {error.name}"
        raise NotFound(f"there is no module {error.name!r} to import", fix=fix) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise NotFound(f"the module {module_name} has no {attribute!r}", fix="look at the names that it defines")
        found = getattr(found, part)
    return found


def _file(file: Path) -> Any:
    try:
        if file.suffix == ".joblib":
            import joblib

            return joblib.load(file)
        with file.open("rb") as stream:
            return pickle.load(stream)  # noqa: S301 (the user's own file, named by the user)
    except Exception as error:
        raise UsageError(
            f"{file} cannot be read: {type(error).__name__}: {error}",
            fix="run this in an environment like the one that wrote it, or capture the model in its notebook",
        ) from error

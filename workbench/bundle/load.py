"""A bundle on disk -> a predictor, after everything that can be wrong with it was checked."""

from __future__ import annotations

import platform
import sys
import threading
import warnings
import weakref
from pathlib import Path
from types import ModuleType

from .. import paths
from ..errors import BundleRefused, ModelFailed, WorkbenchError
from ..inference.package import Finder, forget
from ..inference.predictor import Predictor
from ..inference.schema import Schema
from ..inference.surroundings import captured_function
from . import loaded, packages
from .layout import CODE, Manifest, check_files, read_manifest

OWN = "let it answer from an environment of its own: --env own, of predict, batch, serve, stream and explain"

_lock = threading.RLock()


def load(folder: Path, *, name: str = "", home: Path | None = None, allow_packages: bool = False) -> Predictor:
    """The predictor of a bundle; loaded once while it is used, or among the last that were.

    BundleRefused if a file was changed, or it needs another Python or other packages. `allow_packages`
    lets other packages pass; so does, with a warning, a proof that `verify` made under those of this process and
    keeps below `home` (WORKBENCH_HOME).
    """
    folder = Path(folder).absolute()
    manifest = read_manifest(folder, name)
    key = (folder, (folder / "manifest.json").stat().st_mtime_ns)
    with _lock:
        if found := loaded.find(key):
            return found
        name = name or manifest.name
        check_python(manifest, name)
        if not allow_packages:
            _check_packages(manifest, name, home or paths.home())
        check_files(folder, manifest, name, state=False)
        return loaded.keep(key, _predictor(folder, manifest, name))


def load_anew(folder: Path, *, name: str = "", home: Path | None = None) -> Predictor:
    """As `load`, out of the files, whatever the model that this process has loaded before has learned since."""
    loaded.forget(folder)
    forget(read_manifest(folder, name).package)
    return load(folder, name=name, home=home)


def check_python(manifest: Manifest, name: str) -> None:
    """BundleRefused unless this is the Python, up to its minor version, that the model was captured with."""
    there, here = _minor(manifest.python), _minor(platform.python_version())
    if there != here:
        raise BundleRefused(
            f"{name} was captured with Python {there}, this is {here}",
            fix=f"use it under Python {there}, capture the model again here, or {OWN}",
        )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _check_packages(manifest: Manifest, name: str, home: Path) -> None:
    different = packages.differences(manifest.packages)
    if not different:
        return
    said = ", ".join(different.values())
    if packages.proof_file(home, manifest).exists():
        warnings.warn(f"{name} runs with other packages, under which it was proven: {said}", stacklevel=3)
        return
    pins = " ".join(f"{package}=={manifest.packages[package]}" for package in different)
    raise BundleRefused(
        f"{name} was captured with other packages: {said}",
        fix=f"%workbench verify {name}, which proves it under these, pip install {pins}, or {OWN}",
    )


def _predictor(folder: Path, manifest: Manifest, name: str) -> Predictor:
    code = folder / CODE
    try:
        module = _import(manifest.package, code)
        function = captured_function(module, manifest.entry, manifest.entry_kind)
    except BaseException as error:
        told = _told(name, error)
        _let_go(manifest.package, code)
        if told is error:
            raise
        raise told from error
    predictor = Predictor(function, Schema.from_json(manifest.schema), name=name, row_wise=manifest.row_wise)
    weakref.finalize(predictor, _let_go_of, module, code).atexit = False
    return predictor


def _import(package: str, code: Path) -> ModuleType:
    """Import `wb_<id>` from the bundle; its folder joins sys.path, so that child processes find it too."""
    module = sys.modules.get(package)
    if module is not None and _folder_of(module) == code:
        return module
    forget(package)
    sys.meta_path.insert(0, Finder(package, code))
    if str(code) not in sys.path:
        sys.path.append(str(code))
    return __import__(package)


def _folder_of(module: ModuleType) -> Path:
    return Path(module.__file__ or "").parent.parent


def _let_go_of(module: ModuleType, code: Path) -> None:
    """Nobody uses the predictor any more; a copy of its bundle may have taken the name since."""
    if sys.modules.get(module.__name__) is module:
        _let_go(module.__name__, code)


def _let_go(package: str, code: Path) -> None:
    forget(package)
    if str(code) in sys.path:
        sys.path.remove(str(code))


def _told(name: str, error: BaseException) -> BaseException:
    """The error of loading as ours; a bundle's own classes of errors are not ours."""
    if isinstance(error, WorkbenchError) or not isinstance(error, Exception):
        return error
    if type(error).__name__ in ("BundleRefused", "ModelFailed"):
        said = {key: getattr(error, key, None) for key in ("where", "fix")}
        what = str(getattr(error, "what", error))
        return BundleRefused(f"{name} is refused: {what}" if what.startswith("its file") else what, **said)
    return _failed(name, error)


def _failed(name: str, error: Exception) -> WorkbenchError:
    trace, line = error.__traceback__, None
    while trace:
        file = trace.tb_frame.f_code.co_filename
        line = f"{file}, line {trace.tb_lineno}" if file.endswith("model.py") else line
        trace = trace.tb_next
    return ModelFailed(
        f"{name} cannot be loaded: {type(error).__name__}: {error}",
        where=line,
        fix="make its code do without what is not here, then capture the model again",
    )

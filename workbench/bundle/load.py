"""A bundle on disk -> a predictor, after everything that can be wrong with it was checked."""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from .. import paths
from ..errors import BundleRefused, ModelFailed, WorkbenchError
from ..inference.predictor import Predictor, entry_function
from ..inference.schema import Schema
from . import packages
from .layout import CODE, Manifest, check_files, read_manifest

_predictors: dict[tuple[Path, int], Predictor] = {}


def load(folder: Path, *, name: str = "", home: Path | None = None, allow_packages: bool = False) -> Predictor:
    """The predictor of a bundle; loaded once per process.

    BundleRefused if a file was changed, or it needs another Python or other packages. `allow_packages`
    lets other packages pass; so does, with a warning, a proof that `verify` made under those of this process and
    keeps below `home` (WORKBENCH_HOME).
    """
    folder = Path(folder).absolute()
    manifest = read_manifest(folder, name)
    key = (folder, (folder / "manifest.json").stat().st_mtime_ns)
    if key not in _predictors:
        name = name or manifest.name
        check_python(manifest, name)
        if not allow_packages:
            _check_packages(manifest, name, home or paths.home())
        check_files(folder, manifest, name)
        _predictors[key] = _predictor(folder, manifest, name)
    return _predictors[key]


def check_python(manifest: Manifest, name: str) -> None:
    """BundleRefused unless this is the Python, up to its minor version, that the model was captured with."""
    there, here = _minor(manifest.python), _minor(platform.python_version())
    if there != here:
        raise BundleRefused(
            f"{name} was captured with Python {there}, this is {here}",
            fix=f"use it under Python {there}, or capture the model again here",
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
        fix=f"%workbench verify {name}, which proves it under these, or pip install {pins}",
    )


def _predictor(folder: Path, manifest: Manifest, name: str) -> Predictor:
    module = _import(folder, manifest, name)
    try:
        function = entry_function(getattr(module, manifest.entry), manifest.entry_kind)
    except WorkbenchError:
        raise
    except Exception as error:
        raise _failed(name, error) from error
    return Predictor(function, Schema.from_json(manifest.schema), name=name, row_wise=manifest.row_wise)


def _import(folder: Path, manifest: Manifest, name: str) -> ModuleType:
    """Import `wb_<id>` from the bundle; its folder joins sys.path, so that child processes find it too."""
    code = folder / CODE
    loaded = sys.modules.get(manifest.package)
    if loaded is not None and _folder_of(loaded) == code:
        return loaded
    _forget(manifest.package)
    _finder.folders[manifest.package] = str(code)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    if str(code) not in sys.path:
        sys.path.append(str(code))
    try:
        return __import__(manifest.package)
    except BaseException as error:
        _forget(manifest.package)
        if isinstance(error, WorkbenchError) or not isinstance(error, Exception):
            raise
        if type(error).__name__ in ("BundleRefused", "ModelFailed"):
            raise BundleRefused(str(getattr(error, "what", error)), where=getattr(error, "where", None)) from error
        raise _failed(name, error) from error


def _folder_of(module: ModuleType) -> Path:
    return Path(module.__file__ or "").parent.parent


def _forget(package: str) -> None:
    for loaded in [m for m in sys.modules if m == package or m.startswith(f"{package}.")]:
        del sys.modules[loaded]


def _failed(name: str, error: Exception) -> WorkbenchError:
    trace, line = error.__traceback__, None
    while trace:
        file = trace.tb_frame.f_code.co_filename
        line = f"{file}, line {trace.tb_lineno}" if file.endswith("model.py") else line
        trace = trace.tb_next
    return ModelFailed(f"{name} cannot be loaded: {type(error).__name__}: {error}", where=line)


class _Uncached(SourceFileLoader):
    """Compiles the source that was checked; a cached .pyc beside it has no hash in the manifest."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Bundles(MetaPathFinder):
    """Finds the packages of loaded bundles, each in its own folder wherever else its name may be found."""

    def __init__(self) -> None:
        self.folders: dict[str, str] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package = fullname.partition(".")[0]
        if package not in self.folders:
            return None
        spec = PathFinder.find_spec(fullname, path if path is not None else [self.folders[package]], target)
        if spec and spec.origin and type(spec.loader) is SourceFileLoader:
            spec.loader, spec.cached = _Uncached(fullname, spec.origin), None
        return spec


_finder = _Bundles()

"""The requirements of a bundle -> an environment that has them alone, made once and kept below WORKBENCH_HOME."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from .. import stages
from ..errors import NotProven
from . import storage
from .layout import REQUIREMENTS, Manifest

_OF_THIS_ONE = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX")
_SHOWN = 6
_STALE_SECONDS = 24 * 3600
_FOLDER = "environments"


def environment(folder: Path, manifest: Manifest, home: Path, name: str) -> Path:
    """The Python of an environment with what `requirements.txt` of the bundle in `folder` names, and nothing else.

    Made with uv where there is one, else with venv and pip; kept by the requirements and the Python. NotProven where
    it cannot be made, with what the installer says.
    """
    return made(*_wanted(folder, manifest), home, name)


def _wanted(folder: Path, manifest: Manifest) -> tuple[str, str]:
    return (folder / REQUIREMENTS).read_text(encoding="utf-8"), ".".join(manifest.python.split(".")[:2])


def made(wanted: str, version: str, home: Path, name: str) -> Path:
    """The Python, of this version, of an environment with these requirements, as a file of them has them. `name` is
    what requires them. NotProven where it cannot be made."""
    place = _place(wanted, version, home)
    if not python_of(place).exists():
        with storage.writing(place.parent):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        stages.say(f"making the environment of {name}")
        _make(place, wanted, version, name)
    return python_of(place)


def _place(wanted: str, version: str, home: Path) -> Path:
    key = hashlib.sha256(f"{version} {sys.platform} {platform.machine()}\n{wanted}".encode()).hexdigest()[:20]
    return home / _FOLDER / key


def any_below(home: Path) -> bool:
    """Whether there are environments."""
    return any((home / _FOLDER).glob("[!.]*"))


def needless(home: Path, needed: Iterable[tuple[Path, Manifest]]) -> list[Path]:
    """The environments below `home` that none of these bundles needs, and in which nothing runs."""
    kept = {_place(*_wanted(folder, manifest), home) for folder, manifest in needed} | set(_running(home / _FOLDER))
    return sorted(place for place in (home / _FOLDER).glob("[!.]*") if place not in kept and python_of(place).exists())


def _running(folder: Path) -> Iterator[Path]:
    """Those whose Python some process is."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        beside = Path((process.info["cmdline"] or [""])[0]).parent.resolve()
        if folder.resolve() in beside.parents:
            yield folder / beside.relative_to(folder.resolve()).parts[0]


def python_of(place: Path) -> Path:
    """The interpreter of the environment in a folder."""
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _make(place: Path, wanted: str, version: str, name: str) -> None:
    """In a folder beside it, renamed once it is whole: two who make it at once do not meet."""
    _sweep(place.parent)
    new = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
    requirements = new.with_name(f"{new.name}.txt")
    try:
        with storage.writing(place.parent):
            requirements.write_text(wanted, encoding="utf-8")
        for command in _commands(new, requirements, version, name):
            _run(command, name, place.parent)
        try:
            os.rename(new, place)
        except OSError:
            if not python_of(place).exists():
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        requirements.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Removes what was begun more than a day ago and never became whole."""
    for begun in folder.glob(".*"):
        with suppress(FileNotFoundError):  # whoever makes another one just now takes away what that needed
            if begun.stat().st_mtime < time.time() - _STALE_SECONDS:
                begun.unlink() if begun.is_file() else shutil.rmtree(begun, ignore_errors=True)


def _commands(place: Path, requirements: Path, version: str, name: str) -> Iterator[list[str]]:
    python = str(python_of(place))
    here = ".".join(platform.python_version_tuple()[:2]) == version
    if uv := _uv():
        yield [uv, "venv", "--quiet", "--python", sys.executable if here else version, str(place)]
        yield [uv, "pip", "install", "--quiet", "--python", python, "--requirement", str(requirements)]
        return
    base = sys.executable if here else shutil.which(f"python{version}")
    if not base:
        raise NotProven(
            f"{name} was captured with Python {version}, which is not here",
            fix=f"install Python {version}, or uv, which fetches it: pip install uv",
        )
    yield [base, "-m", "venv", str(place)]
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    yield [*pip, "--requirement", str(requirements)]


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def _run(command: Sequence[str], name: str, folder: Path) -> None:
    """With the variables of this process, which say where packages come from."""
    env = {key: value for key, value in os.environ.items() if key not in _OF_THIS_ONE}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=env, cwd=folder, check=False
        )
    except OSError as error:
        raise NotProven(f"{command[0]} cannot be run: {error.strerror}", fix="pip install uv") from error
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        said = [line for line in said if not line.startswith("WARNING")]
        raise NotProven(
            f"the environment that {name} requires cannot be made: {_reason(said)}",
            where="\n     ".join(said[-_SHOWN:]) or None,
            fix="get what is missing (an index of its own: UV_INDEX or PIP_INDEX_URL), or verify without --isolated",
        )


def _reason(said: list[str]) -> str:
    """The line of the installer that names what is missing."""
    marks = ("No matching distribution", "no version of", "was not found", "No interpreter", "error:", "ERROR:")
    found = next((line for mark in marks for line in said if mark in line), said[-1] if said else "it says nothing")
    return found.lstrip("×╰─▶ ").removeprefix("ERROR: ")

"""The variables of this process -> those that a clean process gets."""

from __future__ import annotations

import os
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_KEPT = {
    *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("VIRTUAL_ENV", "CONDA_PREFIX", "SYSTEMROOT", "WINDIR", "TEMP", "TMP", "USERPROFILE", "APPDATA"),
    *("LOCALAPPDATA", "COMSPEC", "CUDA_VISIBLE_DEVICES"),
}
_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
_THREADS = (*(f"{library}_NUM_THREADS" for library in _LIBRARIES), "VECLIB_MAXIMUM_THREADS")
# They choose the instructions that numbers are added with, and so their last bits.
_NUMERIC = ("GOMP_", "NPY_", *(f"{library}_" for library in _LIBRARIES))
# The loader, the C library, the interpreter and the numeric libraries read these once, when they start.
_READ_AT_START = ("LD_", "DYLD_", "LC_", "LANG", "PYTHON", "MALLOC_", "GLIBC_", "KMP_", *_NUMERIC)


def clean(threads: int = 1) -> dict[str, str]:
    """What a program needs to run at all and how numeric libraries compute, with so many threads; nothing else of the
    notebook's."""
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    return kept | dict.fromkeys(_THREADS, str(threads))


def is_of_a_machine(name: str) -> bool:
    """Whether a variable says where things are on this machine, which others have elsewhere."""
    return name.upper() in _KEPT or name in ("PWD", "OLDPWD", "SHLVL", "_") or name.startswith(("LD_", "DYLD_"))


def _is_kept(name: str) -> bool:
    return name.upper() in _KEPT or name.startswith(("LC_", *_NUMERIC))


def thread_count(env: dict[str, str]) -> int:
    """The number of threads that `env` asks numeric libraries to use: what it says, else every core."""
    wanted = env.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdigit() and int(wanted) else os.cpu_count() or 1


def installed(places: list[str]) -> list[float]:
    """A stamp of what is installed in these folders: their modification times, and the interpreter's; and of the files
    of this package, where they are elsewhere, as in an editable installation."""
    stamp = [os.stat(place).st_mtime if os.path.exists(place) else 0.0 for place in (sys.executable, *places)]
    return stamp if any(_ROOT.startswith(os.path.join(place, "")) for place in places) else [*stamp, _own()]


def _own() -> float:
    """When one of our own files was written last."""
    files = (os.path.join(folder, name) for folder, _, names in os.walk(_ROOT) for name in names if name[-3:] == ".py")
    return max((os.stat(file).st_mtime for file in files), default=0.0)


def needs_a_fresh_start(env: dict[str, str], started_with: dict[str, str]) -> bool:
    """Whether `env` differs from the variables of a running process in one that is read only at the start."""
    return _read_at_start(env) != _read_at_start(started_with)


def _read_at_start(env: dict[str, str]) -> dict[str, str]:
    later = {"PYTHONPATH", *_THREADS}
    return {name: value for name, value in env.items() if name.startswith(_READ_AT_START) and name not in later}

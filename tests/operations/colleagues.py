"""A colleague's environment: this one with a package of another version, in which a model is captured."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import zipfile
from pathlib import Path

from environments import environment

PACKAGE = "tally-of-tests"
_MODEL = Path(__file__).with_name("colleague_models.py")


def wheel(folder: Path, number: str) -> Path:
    """A package of one module, whose MORE is a thousand times its version."""
    name = PACKAGE.replace("-", "_")
    info = f"{name}-{number}.dist-info"
    files = {
        f"{name}/__init__.py": f'__version__ = "{number}"\nMORE = {1000 * int(number[0])}\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {number}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    made = folder / f"{name}-{number}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as packed:
        for file, content in files.items():
            packed.writestr(file, content)
    return made


def captured(place: Path, package: Path, registry: Path) -> None:
    """A version that a colleague has captured, who has this package."""
    python = environment(place, f"--offline --no-deps {package}")
    here = sysconfig.get_path("purelib")
    (site,) = place.glob("lib/*/site-packages")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    env = os.environ | {"WORKBENCH_HOME": str(place / "home"), "WORKBENCH_REGISTRY": str(registry)}
    done = subprocess.run([python, _MODEL], env=env, capture_output=True, text=True, check=False, cwd=place)
    assert not done.returncode, done.stderr

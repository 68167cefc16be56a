"""The installed Workbench -> a wheel of it, so that what is exported runs this very one."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib import metadata
from pathlib import Path

_DISTRIBUTION = "deployment-workbench"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_ENDINGS = {".py", ".typed", ".html", ".css", ".js"}
_TAG = "Wheel-Version: 1.0\nGenerator: deployment-workbench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write(folder: Path) -> str:
    """Write the wheel into the folder, the same bytes for the same Workbench; its file name."""
    number, about = _about()
    info = f"deployment_workbench-{number}.dist-info"
    content = {name: file.read_bytes() for name, file in _package().items()}
    content |= {f"{info}/{name}": text.encode() for name, text in {**about, "WHEEL": _TAG}.items()}
    record = "".join(f"{name},{_digest(data)},{len(data)}\n" for name, data in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    name = f"deployment_workbench-{number}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path, _LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return name


def _package() -> dict[str, Path]:
    root = Path(__file__).parents[1]
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix in _ENDINGS)
    return {f"workbench/{path.relative_to(root).as_posix()}": path for path in files}


def _about() -> tuple[str, dict[str, str]]:
    """The version, and what stands beside the code; of a checkout that is not installed the least that pip needs."""
    try:
        found = metadata.distribution(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0", {"METADATA": f"Metadata-Version: 2.1\nName: {_DISTRIBUTION}\nVersion: 0\n"}
    texts = {name: found.read_text(name) for name in ("METADATA", "entry_points.txt")}
    return found.version, {name: text for name, text in texts.items() if text}


def _digest(data: bytes) -> str:
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()}"

"""The spec of a schedule and the file that has arrived -> what one run does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...bundle.storage import writing
from ...data.folders import base, is_folder, local

Spec = dict[str, Any]


def for_cause(spec: Spec) -> Spec:
    """The spec with the file that started the run as its input, or as the parameter `file` of its notebook; what it
    writes into a folder is called like it."""
    file = spec.get("cause", {}).get("file")
    if file is None or spec["what"] == "sweep":
        return spec
    if spec["what"] == "score":
        return {**spec, "input": file, "output": _own_output(spec["output"], spec["input"], file)}
    found = {**spec, "parameters": spec["parameters"] | {"file": file}}
    found["output"] = spec["output"] and _called(spec["output"], file)
    if spec.get("page"):
        found["page"] = {**spec["page"], "file": _called(spec["page"]["file"], file)}
    return found


def _called(output: str, file: str) -> str:
    """`report.html` -> `report-july.html`."""
    own = Path(output)
    return str(own.with_stem(f"{own.stem}-{_stem(file)}"))


def _own_output(output: str, pattern: str, file: str) -> str:
    """In a folder, the place that the file has below the folders that its glob names."""
    if not is_folder(output):
        return output
    own = Path(local(output), os.path.relpath(file, base(pattern)) if file.startswith(base(pattern)) else _name(file))
    with writing(own.parent):
        own.parent.mkdir(parents=True, exist_ok=True)
    return str(own)


def _name(file: str) -> str:
    return os.path.basename(urlsplit(file).path if "://" in file else file)


def _stem(file: str) -> str:
    return _name(file).partition(".")[0]

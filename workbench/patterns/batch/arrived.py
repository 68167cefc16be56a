"""The spec of a schedule and the file or message that has arrived -> what one run does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...bundle.storage import writing
from ...data.folders import base, is_folder, local
from .parameters import read

Spec = dict[str, Any]


def for_cause(spec: Spec) -> Spec:
    """The spec with the file that started the run as its input, or as the parameter `file` of its notebook; what it
    writes into a folder is called like it. A message is the parameter `message` of a notebook that has one."""
    file = spec.get("cause", {}).get("file")
    if spec["what"] == "score":
        return (
            spec
            if file is None
            else {**spec, "input": file, "output": _own_output(spec["output"], spec["input"], file)}
        )
    if not (given := parameters(spec)) or spec["what"] == "sweep":
        return spec
    found = {**spec, "parameters": spec["parameters"] | given}
    if file is not None:
        found["output"] = spec["output"] and _called(spec["output"], file)
        if spec.get("page"):
            found["page"] = {**spec["page"], "file": _called(spec["page"]["file"], file)}
    return found


def parameters(spec: Spec) -> dict[str, Any]:
    """What a notebook is told of the cause of its run."""
    cause = spec.get("cause", {})
    if "file" in cause:
        return {"file": cause["file"]}
    if not cause.get("message") or "notebook" not in spec:
        return {}
    taken = (read(Path(spec.get("snapshot") or spec["notebook"])) or {}).get("message")
    return {"message": _message(cause["message"], taken.type)} if taken else {}


def _message(text: str, kind: type | None) -> Any:
    """A message as its parameter wants it: text, or what its JSON holds."""
    if kind is str:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


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

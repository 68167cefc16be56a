"""The values of the environment that a notebook speaks of -> nothing that is stored holds one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .environment import bound_here, values, variables
from .refusals import secret_in_file
from .texts import parsed

Secrets = Mapping[str, bytes]
"""The value of each variable, by its name."""
_BLOCK = 1 << 22
_AS_ARRAYS = (".pkl", ".npy", ".buffers")
_NUMBERS = (".pt",)


def secrets_of(texts: Iterable[str], namespace: Mapping[str, Any]) -> Secrets:
    """The variables that these texts read and do not set themselves, with their values."""
    trees = [parsed(text) for text in texts if re.search("environ|getenv", text)]
    own = {name for tree in trees for name in bound_here(tree, namespace)}
    return values({name for tree in trees for name in variables(tree, namespace)} - own)


def in_text(text: str, secrets: Secrets) -> str | None:
    """The variable whose value stands in a text, as it is or as a literal of Python."""
    for name, value in secrets.items():
        plain = value.decode()
        if plain in text or repr(plain)[1:-1] in text:
            return name
    return None


def in_file(file: Path, secrets: Secrets) -> str | None:
    """The variable whose value stands in a file, or in a file of a folder; arrays hold text in four bytes each."""
    wanted = {name: [value] for name, value in secrets.items()}
    if file.suffix in _AS_ARRAYS:
        for name, value in secrets.items():
            wanted[name].append(value.decode().encode("utf-32-le"))
    files = sorted(each for each in file.rglob("*") if each.is_file()) if file.is_dir() else [file]
    return next((found for each in files if (found := _in_one(each, wanted))), None)


def _in_one(file: Path, wanted: Mapping[str, list[bytes]]) -> str | None:
    if not wanted or file.suffix in _NUMBERS or _is_of_numbers(file):
        return None
    longest = max(len(value) for values in wanted.values() for value in values)
    tail = b""
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            block = tail + block
            for name, values in wanted.items():
                if any(value in block for value in values):
                    return name
            tail = block[-longest:]
    return None


def _is_of_numbers(file: Path) -> bool:
    """Whether an array holds no text: `<f8` in its header."""
    if file.suffix != ".npy":
        return False
    with file.open("rb") as stream:
        kind = re.search(rb"'descr': '[<>|=]([a-zA-Z])(\d+)'", stream.read(256))
    return kind is not None and kind.group(1) in b"fiucbmM" and kind.group(2) != b"1"


def in_frame(frame: Any, secrets: Secrets) -> str | None:
    """The variable whose value stands in the text of a frame, which its file holds packed."""
    for content in (frame.index.to_frame(), frame):
        for _, column in content.items():
            held = column.cat.categories if hasattr(column, "cat") else column
            if held.dtype.kind not in "OUT" and held.dtype.name not in ("str", "string"):
                continue
            texts = "\n".join({str(each) for each in (held if held.dtype.kind == "O" else held.unique())})
            if found := in_text(texts, secrets):
                return found
    return None


def refuse_in_files(files: Mapping[str, Path], secrets: Secrets) -> None:
    """CaptureRefused for a file of somebody's that would come along and holds the value of a variable."""
    for name, file in files.items() if secrets else ():
        if variable := in_file(file, secrets):
            raise secret_in_file(name, variable, str(file))


def hidden(text: str, secrets: Secrets) -> str:
    """A text with the variables' names in the place of their values."""
    for name, value in secrets.items():
        text = text.replace(value.decode(), f"${{{name}}}")
    return text

"""Tab in a magic's line -> verbs, options, models with their versions and aliases, frames and their columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..capture.captured import predicts
from ..errors import WorkbenchError
from ..specs.spec import Option, Verb
from ..specs.verbs import VERBS, verb
from .reader import Token, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..api import Workbench

_LINE = re.compile(r"^\s*(?:[\w, ]+=\s*)?%%?(?P<magic>\w+) (?P<rest>.*)$", re.DOTALL)
_COLUMN = re.compile(
    r"(?P<frame>[A-Za-z_][\w.]*)\[\[?(?:\s*(['\"])[^'\"]*\2\s*,)*\s*(?P<quote>['\"])(?P<start>[^'\"]*)$"
)
_LAST_WORD = re.compile(r"[\w.@/-]*$")
_FRAMES = ("DataFrame", "Series", "ndarray")


@dataclass(frozen=True)
class Completions:
    """What the characters `start` before the cursor may become; `files` may stand there too."""

    start: str = ""
    texts: tuple[str, ...] = ()
    kind: str = "workbench"
    files: bool = False


def complete(line: str, namespace: Mapping[str, Any], workbench: Callable[[], Workbench]) -> Completions:
    """The completions at the end of a line; none where the line is no magic of ours."""
    if not (match := _LINE.match(line)):
        return Completions()
    magic, rest = match["magic"], match["rest"]
    if magic == "workbench":
        magic, space, rest = rest.lstrip().partition(" ")
        if not space:
            return _starting(magic, [*(spec.name for spec in VERBS), "--help"], "verb")
    spec = verb(magic)
    if spec is None or (match["magic"] != "workbench" and not spec.short):
        return Completions()
    if column := _COLUMN.search(rest):
        return _columns(column, namespace)
    return _word(spec, rest, namespace, workbench)


def _columns(match: re.Match[str], namespace: Mapping[str, Any]) -> Completions:
    """The columns inside `X["…` and `X[["a", "…`."""
    frame: Any = namespace.get(match["frame"])
    columns = [str(name) for name in getattr(frame, "columns", ())]
    return _starting(match["start"], columns, "column")


def _word(spec: Verb, rest: str, namespace: Mapping[str, Any], workbench: Callable[[], Workbench]) -> Completions:
    last = _LAST_WORD.search(rest)
    start = last.group() if last else ""
    before = _tokens(rest[: len(rest) - len(start)])
    if before is None or (rest[: len(rest) - len(start)] or " ")[-1] not in " =":
        return Completions()
    option = _expected(spec, before)
    if start.startswith("-") or option is None:
        return _starting(start, _flags(spec, before), "option") if start or option is None else Completions()
    if option.kind in ("model", "version"):
        return _starting(start, _models(start, option, workbench), "model")
    if option.kind in ("thing", "target"):
        return _starting(start, _things(start, option, workbench), "model", files=option.kind == "target")
    texts = [*option.choices, *_values(spec, option, before, namespace)]
    return _starting(start, texts, "frame", files=option.kind in ("place", "sink", "frame", "object"))


def _tokens(line: str) -> tuple[Token, ...] | None:
    try:
        return read(line).tokens
    except WorkbenchError:
        return None


def _expected(spec: Verb, before: tuple[Token, ...]) -> Option | None:
    """The option whose value comes next; None where only options are left."""
    by_flag = {flag: option for option in spec.options for flag in option.flags}
    if before and (option := by_flag.get(before[-1].rstrip("="))) and option.kind != "flag" and not option.bare:
        return option
    options = [(by_flag.get(b), after) for b, after in zip(before, [*before[1:], ""], strict=False)]
    values = sum(1 for o, after in options if o and o.kind != "flag" and (not o.bare or after.isdecimal()))
    words = sum(1 for b in before if not b.startswith("-")) - values
    positional = [option for option in spec.options if option.positional]
    return positional[words] if words < len(positional) else None


def _flags(spec: Verb, before: tuple[Token, ...]) -> list[str]:
    unused = [option for option in spec.options if not set(option.flags) & set(before)]
    return [*(flag for option in unused for flag in option.flags if flag.startswith("--")), "--help"]


def _models(start: str, option: Option, workbench: Callable[[], Workbench]) -> Iterator[str]:
    """The models; after an `@`, the versions and aliases of one."""
    name, at, _ = start.partition("@")
    try:
        registry = workbench().registry
        if not at:
            yield from registry.names()
        elif option.kind != "model":
            yield from (f"{name}@{alias}" for alias in registry.aliases(name))
            yield from (version.ref for version in reversed(registry.versions(name)))
    except (WorkbenchError, OSError):  # no such model, or no registry: nothing to offer
        return


def _things(start: str, option: Option, workbench: Callable[[], Workbench]) -> Iterator[str]:
    """What runs, where that is asked for, then the models."""
    if option.kind == "thing":
        try:
            yield from workbench().running.names()
        except (WorkbenchError, OSError):
            return
    yield from _models(start, option, workbench)


def _values(spec: Verb, option: Option, before: tuple[Token, ...], namespace: Mapping[str, Any]) -> Iterator[str]:
    """The names of the notebook that an option may take; for the target, the example's columns too."""
    if option.kind == "column" and "--example" in before[:-1]:
        example = namespace.get(before[before.index("--example") + 1])
        yield from (str(name) for name in getattr(example, "columns", ()))
    for name, value in namespace.items():
        if not name.startswith("_") and _fits(option, value):
            yield name


def _fits(option: Option, value: Any) -> bool:
    if option.kind == "object":
        return predicts(value) or type(value).__name__ == "function"
    return option.kind in ("frame", "place", "column") and type(value).__name__ in _FRAMES


def _starting(start: str, texts: Iterable[str], kind: str, files: bool = False) -> Completions:
    return Completions(start, tuple(dict.fromkeys(t for t in texts if t.startswith(start))), kind, files)

"""`workbench VERB …` and `wb VERB …`: words of a terminal -> a call of the API -> text and an exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, WorkbenchError
from ..specs.verbs import VERBS
from . import arguments, helptext, working
from .answers import asked, json_text, poured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..specs.spec import Verb

_INTERRUPTED = 130


def main(words: Sequence[str] | None = None, workbench: Callable[[], Any] | None = None) -> int:
    """Run one command and give its exit code: 0, 1 for what failed, 2 for what was asked wrongly, 130 for Ctrl-C."""
    try:
        _run(list(sys.argv[1:] if words is None else words), workbench or _api)
    except WorkbenchError as error:
        print(_in_a_shell(str(error)), file=sys.stderr)  # noqa: T201 (a face)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python's own flush at exit would fail again
    return 0


def _run(words: list[str], workbench: Callable[[], Any]) -> None:
    answer = _answer(words, workbench)
    if not poured(answer):
        print(answer, flush=True)  # noqa: T201 (a face)


def _answer(words: list[str], workbench: Callable[[], Any]) -> str | Iterator[str]:
    caller = "workbench"
    if not words or words[0] in arguments.HELP:
        return helptext.overview(caller)
    if words[0] == "--version":
        return _version()
    if words[0].startswith("-"):
        raise UsageError(f"{caller} has no option {words[0]}", fix=f"{caller} --help lists its verbs")
    spec = arguments.find_verb(words[0], caller)
    caller = f"{caller} {spec.name}"
    if arguments.wants_help(words[1:]):
        return helptext.verb_help(spec, caller, words[1:])
    given = arguments.parse(spec, words[1:], caller)
    _refuse_what_needs_a_notebook(spec, given, caller)
    with working.on(spec, options := asked(spec, given)):
        answer = getattr(workbench(), spec.function)(**options)
    if isinstance(answer, Iterator):
        return answer
    if type(answer).__name__ == "Interview" and sys.stdin.isatty() and not given.get("json"):
        from .interview import ask

        answer = ask(answer)
    if spec.name == "open":
        _browse(answer.link)
    return json_text(answer) if given.get("json") else _text(answer)


def _browse(link: str) -> None:
    """Open it in a browser, where somebody sits at this machine's screen."""
    if sys.stdout.isatty() and (sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)):
        import webbrowser

        webbrowser.open(link)


def _refuse_what_needs_a_notebook(spec: Verb, given: Mapping[str, Any], caller: str) -> None:
    if given.get("cell"):
        raise UsageError("--cell puts the source into a notebook's next cell; there is none here", fix="leave it away")
    if spec.name == "model" and given["object"] is None:
        raise UsageError(f"{caller} needs OBJECT: there is no notebook here", fix=f"as in {spec.shell_example}")


def _text(answer: Any) -> str:
    """An answer for a terminal; a frame that goes into a pipe or a file is CSV, whole."""
    if hasattr(answer, "to_csv") and not sys.stdout.isatty():
        return str(answer.to_csv(index=False)).rstrip("\n")
    return _in_a_shell(str(answer))


def _in_a_shell(text: str) -> str:
    """The next steps that cards and errors name, as a shell has them."""
    short = "|".join(spec.name for spec in VERBS if spec.short)
    return re.sub(rf"%%?({short})\b", r"workbench \1", text.replace("%workbench ", "workbench "))


def _version() -> str:
    from importlib import metadata

    try:
        return f"deployment-workbench {metadata.version('deployment-workbench')}"
    except metadata.PackageNotFoundError:
        return "deployment-workbench (run from its folder, not installed)"


def _api() -> Any:
    from ..api import Workbench

    return Workbench()

"""`%workbench VERB …`, `%%model`, `%predict`: a notebook's line and cell -> a call of the API.

What a magic returns shows itself as a card; an error is a `WorkbenchError`, which a notebook shows without traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import stages
from ..errors import UsageError
from . import arguments, cell, helptext, session, working
from .answers import asked, json_text, poured
from .reader import read
from .values import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from ..api import Workbench
    from ..specs.spec import Verb

_AFTER_A_NAME = ("(", "[", ".", "=")


class Text(str):
    """Text that a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class Magics:
    """The magics of one shell, all pressing the buttons of one `Workbench`."""

    def __init__(self, shell: InteractiveShell, workbench: Callable[[], Workbench]) -> None:
        self._shell, self._workbench = shell, workbench

    def workbench(self, line: str, body: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """`%workbench VERB …`, and `%%workbench model NAME …` over a cell."""
        first, rest = [*line.split(None, 1), "", ""][:2]
        if not first or first.startswith("#") or first in arguments.HELP:
            print(helptext.overview("%workbench"))  # noqa: T201 (a face)
            return None
        spec = arguments.find_verb(first, "%workbench")
        if body is not None and not spec.cell:
            raise UsageError(f"%%workbench {spec.name} takes no cell", fix=f"write %workbench {spec.name}, with one %")
        return self._run(spec, rest, f"{_percent(body)}workbench {spec.name}", body, local_ns)

    def short(self, spec: Verb, line: str, body: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """A verb's own magic: `%predict …`, `%%model …`."""
        if body is None and (not line.strip() or line.lstrip().startswith(_AFTER_A_NAME)):
            raise UsageError(
                f"{spec.name} is not defined in this kernel (run its cell).",
                fix=f"for the magic: {helptext.required_usage(spec, f'%{spec.name}')}",
            )
        return self._run(spec, line, f"{_percent(body)}{spec.name}", body, local_ns)

    def _run(self, spec: Verb, line: str, caller: str, body: str | None, local_ns: Mapping[str, Any] | None) -> Any:
        """What is wrong with the line is said before a cell runs; its expressions are read after it."""
        words = read(line).tokens
        if arguments.wants_help(words):
            print(helptext.verb_help(spec, caller, words))  # noqa: T201 (a face)
            return None
        arguments.parse(spec, words, caller)
        last = cell.run(self._shell, body) if body is not None else None
        namespace = {**self._shell.user_ns, **(local_ns or {})} if body is None else self._shell.user_ns
        filled = read(line, namespace)
        given = resolve(spec, arguments.parse(spec, filled.tokens, caller), namespace)
        options = asked(spec, given)
        with working.on(spec, options):
            if spec.name == "model":
                answer = self._model(options, caller, body, last)
            else:
                answer = getattr(self._workbench(), spec.function)(**options)
        return None if filled.silent else self._shown(given, answer)

    def _model(self, options: Mapping[str, Any], caller: str, body: str | None, last: Any) -> Any:
        stages.say("reading the cell")
        captured = self._captured(options, caller, body, last)
        return self._workbench().model(**{**options, **captured})

    def _captured(self, options: Mapping[str, Any], caller: str, body: str | None, last: Any) -> dict[str, Any]:
        """What a capture takes from the notebook beside its options."""
        thing = options["object"]
        if thing is None and body is not None:
            thing = cell.entry(self._shell, body, last)
        elif thing is None:
            thing = cell.entry_of(self._shell.user_ns, caller)
        live = session.session_of(self._shell, body or "")
        return {"object": thing, "session": live, "cell": session.label(self._shell)}

    def _shown(self, given: Mapping[str, Any], answer: Any) -> Any:
        if poured(answer):
            return None
        if given.get("json"):
            return Text(json_text(answer))
        if given.get("cell"):
            self._shell.set_next_input(str(answer))
            return None
        return answer


def _percent(body: str | None) -> str:
    return "%" if body is None else "%%"

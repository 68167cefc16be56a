"""`%load_ext workbench`: the magics, cards and completions of a shell, and what a person must know at the start.

Loading is what every notebook waits for, so what a magic needs is imported when one is first used.
"""

from __future__ import annotations

import contextlib
import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from .. import paths
from ..data.progress import Progress
from ..specs.spec import Verb
from ..specs.verbs import VERBS, verb
from . import cards, page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from ..api import Workbench
    from .notebook import Magics

_OURS = "_workbench_magic"
_MATCHER = "workbench"
_MOST_NAMES = 4


def load(shell: InteractiveShell, workbench: Callable[[], Workbench] | None = None) -> None:
    """Make the notebook's Workbench ready; `workbench` gives the API that the magics call."""
    magics = cache(partial(_magics, shell, workbench or _api))
    _register(shell, "workbench", "line", lambda line, local_ns=None: magics().workbench(line, None, local_ns))
    _register(shell, "workbench", "cell", lambda line, cell, local_ns=None: magics().workbench(line, cell, local_ns))
    for spec in VERBS:
        if spec.short:
            _register_short(shell, magics, spec)
    _complete_on_tab(shell, workbench or _api)
    cards.register(shell)
    page.watch(shell)
    Progress.drawn_by = _bar
    _greet(paths.home())
    if workbench is None and os.environ.get("WORKBENCH_WARM") != "0":
        from ..spawn.client import warm

        warm()


def unload(shell: InteractiveShell) -> None:
    """Take the magics and completions away again."""
    page.unwatch(shell)
    for of_kind in shell.magics_manager.magics.values():
        for name in [name for name, magic in of_kind.items() if getattr(magic, _OURS, False)]:
            del of_kind[name]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != _MATCHER]


def _bar(progress: Progress) -> Any:
    from .bars import drawn

    return drawn(progress)


def _api() -> Workbench:
    from ..api import Workbench

    return Workbench()


def _magics(shell: InteractiveShell, workbench: Callable[[], Workbench]) -> Magics:
    from .notebook import Magics

    return Magics(shell, workbench)


def _register_short(shell: InteractiveShell, magics: Callable[[], Magics], spec: Verb) -> None:
    """A verb's own magic, unless another extension has that name: then it keeps it, and we say so."""
    for kind, percent in {"line": "%", "cell": "%%"}.items():
        owner = shell.magics_manager.magics[kind].get(spec.name)
        if owner is not None and not getattr(owner, _OURS, False):
            where = getattr(owner, "__module__", None) or type(owner).__module__
            _say(f"{percent}{spec.name} belongs to {where} here; write {percent}workbench {spec.name}")
            return
    _register(shell, spec.name, "line", lambda line, local_ns=None: magics().short(spec, line, None, local_ns))
    if spec.cell:
        _register(
            shell, spec.name, "cell", lambda line, cell, local_ns=None: magics().short(spec, line, cell, local_ns)
        )


def _register(shell: InteractiveShell, name: str, kind: str, magic: Any) -> None:
    """Register a magic that reads its line itself and sees the names of the function that calls it."""
    magic._ipython_magic_no_var_expand = magic.needs_local_scope = True
    setattr(magic, _OURS, True)
    spec = verb(name)
    magic.__doc__ = f"{spec.summary if spec else 'the verbs of Workbench'}; %{name} --help shows how"
    shell.register_magic_function(magic, kind, name)


def _complete_on_tab(shell: InteractiveShell, workbench: Callable[[], Workbench]) -> None:
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier=_MATCHER)  # type: ignore[untyped-decorator, unused-ignore]
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        from .completion import complete

        found = complete(context.text_until_cursor, shell.user_ns, workbench)
        return {
            "completions": [SimpleCompletion(text, type=found.kind) for text in found.texts],
            "matched_fragment": found.start,
            "suppress": bool(found.texts) and not found.files,
            "ordered": True,
        }

    matchers = shell.Completer.custom_matchers
    matchers[:] = [*(m for m in matchers if getattr(m, "matcher_identifier", "") != _MATCHER), matcher]


def _greet(home: Path) -> None:
    """Say how to begin, once for a home; later, what runs and what has failed; to who looks at an app nothing."""
    if "VOILA_REQUEST_URL" in os.environ:
        return
    if home.exists():
        _tell_what_runs(home)
        return
    _say("%%model NAME --example FRAME captures this notebook's model · %workbench --help")
    with contextlib.suppress(OSError):  # who captures into it will be told
        home.mkdir(mode=0o700, parents=True)


def _tell_what_runs(home: Path) -> None:
    if not (paths.state(home) / "state.db").exists():
        return
    from ..errors import WorkbenchError
    from ..jobs import supervisor
    from ..jobs.store import Store

    try:
        supervisor.revive(home)
        jobs = Store(paths.state(home)).mattering()
    except WorkbenchError as error:
        _say(error.what)
        return
    failed = [job.name for job in jobs if job.state == "failed"]
    runs = [job.name for job in jobs if job.state != "failed"]
    if runs or failed:
        parts = [f"{_some(runs)} still run{'s' * (len(runs) == 1)}"] * bool(runs) + [f"{_some(failed)} failed"] * bool(
            failed
        )
        _say(" · ".join([*parts, "%workbench status"]))


def _some(names: list[str]) -> str:
    """The latest, and how many there are beside them."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[-_MOST_NAMES:]) + (f" and {more} more" if more > 0 else "")


def _say(line: str) -> None:
    print(f"Workbench: {line}")  # noqa: T201 (a face)

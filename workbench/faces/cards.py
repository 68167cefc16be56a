"""The answers of the API -> small cards in a notebook, and their plain text wherever HTML does not render."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..cards.markup import escape
from ..cards.reading import LABELLED

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ANSWERS = {
    "bundle.version": ("ModelVersion",),
    "bundle.prove": ("Verdict",),
    "bundle.register": ("DryRun",),
    "bundle.diff": ("Diff",),
    "monitoring.drift": ("Drift",),
    "monitoring.explanation": ("Explanation",),
    "monitoring.quality": ("Quality",),
    "listing": ("ModelList", "Source", "Aliases", "Removed", "Status", "Overview"),
    "diagnosis": ("Findings",),
    "patterns.batch.results": ("Handed",),
    "patterns.offline": ("Scored",),
    "patterns.streaming.put": ("Put", "Tail"),
    "operations.against": ("Agreement",),
    "operations.bench": ("Bench",),
    "operations.handles": ("Planned",),
    "operations.app": ("App",),
    "operations.choosing": ("Advice", "Interview"),
    "operations.opening": ("Opened",),
    "operations.learners": ("Learner",),
    "operations.kinds": ("Service", "Stream", "Handles"),
    "operations.promotion": ("Promotion",),
    "operations.pruning": ("Pruned",),
    "operations.labs": ("Lab",),
    "operations.history": ("History",),
    "operations.rollout": ("Canary",),
    "operations.splitting": ("Split",),
    "operations.run_history": ("RunDiff",),
    "operations.runs": ("Run",),
    "operations.schedules": ("Schedule",),
    "operations.steering": ("Lines", "Ended"),
    "operations.touring": ("Tour",),
}
"""The types that the API answers with, by their module: named, not imported."""

LIVE = ("ModelVersion", "App", "Interview", "Learner", "Service", "Stream", "Run", "Schedule", "Overview")
"""Those whose cards keep themselves up to date."""
_CARDS = (
    *("Verdict", "Agreement", "Bench", "Quality", "Scored", "Findings"),
    *("Advice", "Planned", "Promotion", "Canary", "Split", "Put", "Ended", "Tour"),
    *("Handed", "RunDiff", "Pruned"),
)
_PACKAGE = __name__.partition(".")[0]
_REF = re.compile(r"^([A-Za-z_][\w.-]*@\w+|(service|stream|app|learner|run|schedule)/[\w.-]+)")
BOX = (
    "display:inline-block;max-width:100%;padding:.5em 1em;border:1px solid rgba(128,128,128,.3);"
    "border-radius:8px;color:inherit;background:transparent;font:13.5px/1.5 system-ui,sans-serif"
)
_DIM = "padding-right:1em;opacity:.65"
_CODE = "background:rgba(128,128,128,.15);padding:0 .35em;border-radius:3px;white-space:nowrap"
_MARKS = {"✓": "#2e9e4f", "✗": "#d9483b"}


def register(shell: InteractiveShell) -> None:
    """Show the API's answers in `shell` as cards, and as their text."""
    if shell.display_formatter is None:
        return
    formatters = shell.display_formatter.formatters
    for module, names in ANSWERS.items():
        for name in names:
            formatters["text/plain"].for_type_by_name(f"{_PACKAGE}.{module}", name, _plain)
            if name in LIVE:
                formatters["text/html"].for_type_by_name(f"{_PACKAGE}.{module}", name, _live)
            if name in _CARDS:
                formatters["text/html"].for_type_by_name(f"{_PACKAGE}.{module}", name, lambda answer: html(str(answer)))
    formatters["text/html"].for_type_by_name(f"{_PACKAGE}.bundle.diff", "Diff", _compared)
    formatters["text/html"].for_type_by_name(f"{_PACKAGE}.operations.opening", "Opened", _linked)
    for module, name in (("drift", "Drift"), ("explanation", "Explanation")):
        formatters["text/html"].for_type_by_name(f"{_PACKAGE}.monitoring.{module}", name, _plotted)
    formatters["text/markdown"].for_type_by_name(f"{_PACKAGE}.listing", "Source", _fenced)


def _plain(answer: Any, printer: Any, cycle: bool) -> None:
    printer.text(str(answer))


def _live(answer: Any) -> str:
    from .live import html as card

    return card(answer)


def _compared(diff: Any) -> str:
    from .diff_card import html as card

    return card(diff)


def _linked(opened: Any) -> str:
    """A card to press."""
    name, _, note = str(opened).partition(f" → {opened.link}")
    link = f'<a href="{escape(opened.link)}" target="_blank" rel="noopener">open {escape(name)}</a>'
    return f'<div style="{BOX}">{link}{escape(note)}</div>'


def _plotted(answer: Any) -> str:
    """A card with its drawing below."""
    return f"{html(getattr(answer, 'card', str(answer)))}<div>{answer.plot()}</div>"


def _fenced(source: Any) -> str:
    """Source as Markdown, which each notebook shows in the colours of its own theme."""
    return f"```python\n{source}\n```"


def html(text: str) -> str:
    """A card as HTML: the first line on top, `  label  text` lines as rows; colours that fit light and dark."""
    head, *rest = text.split("\n")
    rows = "".join(_row(line) for line in rest)
    table = f'<table style="margin:.2em 0 0;border:none;background:none">{rows}</table>' if rows else ""
    return f'<div style="{BOX}">{_headline(head)}{table}</div>'


def _headline(line: str) -> str:
    ref = _REF.match(line)
    name, rest = (ref.group(), line[ref.end() :]) if ref else ("", line)
    return f"<div>{f'<b>{escape(name)}</b>' if name else ''}{_marked(rest)}</div>"


def _row(line: str) -> str:
    cell = "border:none;padding:0;text-align:left;vertical-align:top;background:none"
    if not (labelled := LABELLED.match(line)):
        return f'<tr style="background:none"><td colspan="2" style="{cell}">{_marked(line)}</td></tr>'
    label, rest = labelled[1] or labelled[2], labelled[3]
    shown = " ".join(f'<code style="{_CODE}">{escape(step)}</code>' for step in rest.split(" · "))
    shown = shown if label == "next" else _marked(rest)
    return (
        f'<tr style="background:none"><td style="{cell};{_DIM}">{escape(label)}</td>'
        f'<td style="{cell}">{shown}</td></tr>'
    )


def _marked(text: str) -> str:
    text = escape(text)
    for mark, colour in _MARKS.items():
        text = text.replace(mark, f'<span style="color:{colour};font-weight:bold">{mark}</span>', 1)
    return text

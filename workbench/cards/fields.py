"""What is asked for -> a field of a form: a slider where a range is known, else what fits its type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .markup import el, escape

if TYPE_CHECKING:
    from ..patterns.serving.looking.inputs import Input

_STEPS = 200


@dataclass(frozen=True)
class Range:
    """The least and the most that is known of a number."""

    least: float
    most: float
    whole: bool

    @property
    def step(self) -> float:
        """What a slider moves by: a round number, of which some two hundred are in the range."""
        if self.whole:
            return 1.0
        raw = (self.most - self.least) / _STEPS
        return float(f"{raw:.0e}") if raw > 0 else 1.0

    def over(self, points: int) -> list[float]:
        """So many numbers from one end to the other, none twice."""
        between = [self.least + (self.most - self.least) * i / (points - 1) for i in range(points)]
        return list(dict.fromkeys(round(value) for value in between)) if self.whole else between


def field(asked: Input, id: str, known: Range | None, beside: str = "") -> str:
    """The field of this input: what it is called, what asks for it, what it may be, and something `beside` it."""
    label = el("label", el("code", escape(asked.name)), for_=id)
    control = el("div", _control(asked, id, known), _missing(asked), cls="wb-control")
    told = " · ".join(filter(None, [asked.words, asked.range]))
    return el("div", label, control, el("p", escape(told), cls="wb-caption"), beside, cls="wb-field")


def _control(asked: Input, id: str, known: Range | None) -> str:
    how: dict[str, Any] = {"name": asked.name, "id": id, "data_sends": asked.sends}
    if asked.control == "select":
        options = (el("option", escape(read), value=sent, selected=sent == asked.value) for sent, read in asked.choices)
        return el("select", *options, **how)
    if asked.control == "textarea":
        return el("textarea", escape(asked.value), rows="3", spellcheck="false", **how)
    if asked.control == "checkbox":
        return el("input", type="checkbox", checked=asked.value == "true", **how)
    if asked.control == "number" and known is not None:
        return _slider(asked, known) + _typed(asked, id, data_mirror=True)
    return _typed(asked, id)


def _typed(asked: Input, id: str, **more: Any) -> str:
    step = {"number": "1" if asked.sends == "whole" else "any", "time": "any", "datetime-local": "any"}
    listed = f"{id}-known" if asked.suggestions else None
    hint = "missing" if asked.optional and asked.sends != "text" else None
    known = "".join(el("option", value=text) for text in asked.suggestions)
    typed = el(
        "input",
        type=asked.control,
        value=asked.value,
        step=step.get(asked.control),
        list=listed,
        placeholder=hint,
        name=asked.name,
        id=id,
        data_sends=asked.sends,
        **more,
    )
    return typed + (el("datalist", known, id=listed) if listed else "")


def _slider(asked: Input, known: Range) -> str:
    ends = {"min": f"{known.least:.12g}", "max": f"{known.most:.12g}", "step": f"{known.step:.12g}"}
    return el("input", type="range", value=asked.value, data_mirror=True, aria_label=asked.name, **ends)


def _missing(asked: Input) -> str:
    """A text that is missing cannot be typed."""
    if not (asked.optional and asked.sends == "text"):
        return ""
    box = el("input", type="checkbox", data_missing=asked.name, checked=not asked.value)
    return el("label", box, " missing", cls="wb-missing")

"""What every face does around a call: which options reach the API, and an answer as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..specs.spec import Verb


def asked(spec: Verb, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the API takes; the others say how a face shows the answer."""
    return {option.name: given[option.name] for option in spec.options if not option.shown}


def as_json(answer: Any) -> Any:
    """An answer as what JSON can hold."""
    return answer.to_json()


def json_text(answer: Any) -> str:
    """An answer as indented JSON."""
    import json

    return json.dumps(as_json(answer), indent=2, ensure_ascii=False, default=str)

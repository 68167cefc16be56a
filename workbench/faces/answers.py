"""What every face does around a call: which options reach the API, and an answer as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..specs.spec import Verb


def asked(spec: Verb, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the API takes; the others say how a face shows the answer."""
    return {option.name: given[option.name] for option in spec.options if not option.shown}


def poured(answer: Any) -> bool:
    """Print an answer that comes line by line, as a followed log; False, and nothing, for any other.

    An interrupt ends the looking, and not what is looked at.
    """
    if not isinstance(answer, Iterator):
        return False
    with suppress(KeyboardInterrupt):
        for line in answer:
            print(line, flush=True)  # noqa: T201 (a face)
    return True


def as_json(answer: Any) -> Any:
    """An answer as what JSON can hold."""
    return answer.to_json()


def json_text(answer: Any) -> str:
    """An answer as indented JSON."""
    import json

    return json.dumps(as_json(answer), indent=2, ensure_ascii=False, default=str)

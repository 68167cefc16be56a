"""All verbs, and one by its name."""

from __future__ import annotations

from . import models, operating, patterns, running
from .spec import Verb

VERBS: tuple[Verb, ...] = models.VERBS + patterns.VERBS + running.VERBS + operating.VERBS


def verb(name: str) -> Verb | None:
    """The verb of that name, or of that name in Python, if it exists."""
    return next((v for v in VERBS if name in (v.name, v.function)), None)

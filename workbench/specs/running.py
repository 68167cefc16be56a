"""The verbs that see and steer what runs, and those of this installation."""

from __future__ import annotations

from .spec import Verb, argument, as_json

VERBS: tuple[Verb, ...] = (
    Verb(
        "status",
        "see everything that matters now",
        (argument("name", "model", "the model to look at", "NAME"), as_json("the state")),
        "this installation",
        example="%workbench status",
    ),
    Verb(
        "doctor",
        "find what is wrong with this installation, one fix a line",
        (as_json("the findings"),),
        "this installation",
        example="%workbench doctor",
    ),
)

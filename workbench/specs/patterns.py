"""The verbs of the four patterns."""

from __future__ import annotations

from .spec import MODEL, Option, Verb, argument

_PREDICT = (
    MODEL,
    argument(
        "input",
        "place",
        "a frame of the notebook, a file, a URL, a SQL table or query",
        "INPUT",
        "--input",
        "--source",
        required=True,
    ),
    Option(
        "output",
        "sink",
        "where the predictions go; without it they come back as a frame",
        ("-o", "--output", "--sink"),
        "OUTPUT",
    ),
    Option("email", "text", "mail the predictions as a file", ("--email",), "ADDRESS"),
)

VERBS: tuple[Verb, ...] = (
    Verb(
        "predict",
        "predict offline: a frame, file, URL or table in; a frame, file or table out",
        _PREDICT,
        "predictions",
        short=True,
        example="%predict churn customers.csv -o scored.xlsx",
    ),
)

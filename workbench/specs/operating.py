"""The verbs that judge how a model does."""

from __future__ import annotations

from .spec import Verb, argument, as_json, option

_DRIFT = (
    argument("name", "thing", "a service, a run, a stream, or a model", "NAME", required=True),
    argument("input", "place", "the rows to look at: a frame, file or table; else the service's log", "INPUT"),
    option("since", "text", "of the service's log, from when on (1d)", "WHEN"),
    option("against", "place", "the rows to compare with, in place of the model's reference", "INPUT"),
    option("threshold", "number", "the population stability index from which a column has drifted (0.1)", "PSI"),
    option("alarms", "number", "the share of windows without drift that may raise an alarm (0.01)", "SHARE"),
    option("notify", "text", "tell of drift: a mail address, or a URL to POST to", "URL|ADDRESS"),
    as_json("the comparisons"),
)

VERBS: tuple[Verb, ...] = (
    Verb(
        "drift",
        "see whether what a model is asked, and answers, still looks like its reference",
        _DRIFT,
        "what runs",
        example="%workbench drift churn --since 7d",
    ),
)

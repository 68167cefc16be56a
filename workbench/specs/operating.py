"""The verbs that judge how a model does."""

from __future__ import annotations

from .spec import Option, Verb, argument, as_json, option

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

_FEEDBACK = (
    argument("name", "thing", "the service: `churn`, `service/churn`", "SERVICE", required=True),
    argument("input", "place", "outcomes: a frame, file or table; without it only the quality is shown", "INPUT"),
    option("outcome", "text", "its column of true outcomes; not needed where it is the only other one", "COLUMN"),
    option("key", "text", "the column that finds the rows, in place of `request` and `row`", "COLUMN"),
    option("answer", "text", "the column of the answer that they judge (the first)", "COLUMN"),
    option("every", "text", "the periods of quality over time (1d)", "SPAN"),
    Option("metric", "object", "a function of outcomes and answers of your own", ("--metric",), "FUNCTION"),
    as_json("the quality"),
)

VERBS: tuple[Verb, ...] = (
    Verb(
        "drift",
        "see whether what a model is asked, and answers, still looks like its reference",
        _DRIFT,
        "what runs",
        example="%workbench drift churn --since 7d",
    ),
    Verb(
        "feedback",
        "take in true outcomes of what a service answered, and see how good each version is",
        _FEEDBACK,
        "what runs",
        example="%workbench feedback churn outcomes.csv",
    ),
)

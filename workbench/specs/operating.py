"""The verbs that judge how a model does."""

from __future__ import annotations

from .spec import DRY_RUN, ENV, MODEL, Option, Verb, argument, as_json, option

_DRIFT = (
    argument("name", "thing", "a service, a run, a stream, or a model", "NAME", required=True),
    argument("input", "place", "the rows to look at: a frame, file or table; else the service's log", "INPUT"),
    option("since", "text", "of the service's log, from when on (1d)", "WHEN"),
    option("against", "place", "the rows to compare with, in place of the model's reference", "INPUT"),
    option("threshold", "number", "the population stability index from which a column has drifted (0.1)", "PSI"),
    option("alarms", "number", "the share of windows without drift that may raise an alarm (0.01)", "SHARE"),
    option("notify", "text", "tell of drift: a mail address, or a URL to POST to", "URL|ADDRESS"),
    option("every", "text", "look on a cycle, in the background: `1 hour`, `monday 6:00`", "CRON"),
    option("then", "text", "a notebook that is run where drift begins, on a cycle", "NOTEBOOK"),
    option("metrics", "text", "a file of the figures, as Prometheus reads them", "FILE"),
    option("env_file", "text", "a file of NAME=VALUE lines, for a cycle: how to send mail", "FILE"),
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

_EXPLAIN = (
    MODEL,
    argument("input", "place", "the rows to explain: a frame, file or table; else some of its reference", "INPUT"),
    option("answer", "text", "the column of the answer that is explained (the first)", "COLUMN"),
    option("against", "place", "the rows to compare with, in place of the model's reference", "INPUT"),
    option("rows", "number", "how many rows at most, taken evenly (200)", "N", least=1),
    ENV,
    as_json("the contributions"),
)

_LEARN = (
    MODEL,
    argument(
        "input",
        "sink",
        "the examples: `queue:NAME`, or a place of another broker; without it the feedback to its service",
        "QUEUE",
    ),
    option("target", "name", "the column of what became of a row; without it that of the capture", "COLUMN"),
    option("every", "text", "how often what it has learned becomes a version (1m)", "SPAN"),
    option("most", "number", "how many examples it learns at once, at most (100)", "N", least=1),
    option("keep", "number", "how many of the versions that it made stay (10)", "N", least=2),
    option("name", "name", "its own name; without it the model's", "NAME"),
    option("env_file", "text", "a file of NAME=VALUE lines: the variables that it gets", "FILE"),
    option("notify", "text", "where to tell that it failed: a mail address or a URL", "URL|ADDRESS"),
    DRY_RUN,
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
    Verb(
        "explain",
        "see what each column adds to the answers of a model, and which columns matter",
        _EXPLAIN,
        "what runs",
        example="%workbench explain churn customers.csv",
    ),
    Verb(
        "learn",
        "let a model learn from feedback or a queue, and become its own next version",
        _LEARN,
        "what runs",
        example="%workbench learn churn queue:outcomes --target left",
    ),
)

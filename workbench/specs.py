"""One spec per verb: each option is declared once, with its help text.

The magics, the shell command and the Python functions are derived from `VERBS`, so the three have
the same names, options, defaults, help and errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "flag", "name", "model", "version", "object", "frame", "column", "place", "sink"]
"""What an option takes, which decides how a face reads and completes it:
text; a switch; a name that stands in no list; a model's name (`churn`); a version (`churn@3`);
an object or a frame of the notebook (an expression); a column's name, or values (an expression);
a place to read (a frame of the notebook, a file, a URL, a table); a place to write (never an expression)."""

Group = Literal["models", "predictions", "this installation"]
"""The headings of `--help`, in this order."""


@dataclass(frozen=True)
class Option:
    """One option of a verb: positional if it has no flags or `positional` says so; `metavar` names its value.

    `shown` ones say how a face shows the answer (`--json`); the API does not take them.
    """

    name: str
    kind: Kind
    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    required: bool = False
    positional: bool = False
    shown: bool = False
    choices: tuple[str, ...] = ()

    @property
    def default(self) -> object:
        return False if self.kind == "flag" else None


@dataclass(frozen=True)
class Verb:
    """What can be asked. `short` verbs have a line magic of their own; `cell` ones a cell magic too.

    `example` is as in a notebook; `shell_example` where the shell's differs by more than the spelling.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    group: Group
    short: bool = False
    cell: bool = False
    example: str = ""
    shell_example: str = ""


def _argument(name: str, kind: Kind, help: str, metavar: str, *flags: str, required: bool = False) -> Option:
    return Option(name, kind, help, flags, metavar, required, positional=True)


def _switch(name: str, help: str, *, shown: bool = False) -> Option:
    return Option(name, "flag", help, (f"--{name.replace('_', '-')}",), shown=shown)


def _json(what: str) -> Option:
    return _switch("json", f"{what} as JSON", shown=True)


_MODEL = _argument("model", "version", "the model: `churn`, `churn@3` or `churn@live`", "MODEL", required=True)
_DRY_RUN = _switch("dry_run", "show what would be done; do nothing")

_CAPTURE = (
    _argument("name", "model", "the model's name", "NAME", required=True),
    _argument(
        "object",
        "object",
        "what to capture when it exists already: an object of the notebook, `module:object`, a .pkl or .joblib file",
        "OBJECT",
    ),
    Option(
        "example",
        "frame",
        "rows that the model can answer: they prove it and are its reference",
        ("--example",),
        "FRAME",
    ),
    Option(
        "target",
        "column",
        "the true outcomes: a column of the example, or values beside it",
        ("--target",),
        "TARGET",
    ),
    Option("note", "text", "a note kept with the version", ("-m", "--note"), "NOTE"),
    Option("alias", "name", "an alias for the new version", ("--alias",), "ALIAS"),
    Option(
        "row_wise",
        "text",
        "say that rows are answered one by one, or are not, whatever the probes say",
        ("--row-wise",),
        "yes|no",
        choices=("yes", "no"),
    ),
    _switch("no_reference", "keep no rows of the example in the bundle"),
    _switch("dry_run", "show what would be taken from where; store nothing"),
)

_PREDICT = (
    _MODEL,
    _argument(
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
        "model",
        "capture a model, prove it in a clean process and store it as a version",
        _CAPTURE,
        "models",
        short=True,
        cell=True,
        example="%%model churn --example X_test",
        shell_example="workbench model churn shop.models:predict --example customers.csv",
    ),
    Verb(
        "models",
        "list the models, or the versions of one",
        (_argument("name", "model", "the model whose versions to list", "NAME"), _json("the list")),
        "models",
        example="%workbench models churn",
    ),
    Verb(
        "source",
        "read what was captured",
        (_MODEL, _switch("cell", "put it into the next cell", shown=True)),
        "models",
        example="%workbench source churn@2",
    ),
    Verb(
        "diff",
        "compare two versions in source, schema and predictions on the reference",
        (
            _argument("a", "version", "a version; alone, the newest is compared with it", "A", required=True),
            _argument("b", "version", "the version to compare it with", "B"),
            _json("the comparison"),
        ),
        "models",
        example="%workbench diff churn@1 churn@2",
    ),
    Verb(
        "verify",
        "prove a stored version again, in a clean process of this Python and these packages",
        (_MODEL, _json("the verdict")),
        "models",
        example="%workbench verify churn@2",
    ),
    Verb(
        "alias",
        "name a version, or list a model's aliases",
        (
            _MODEL,
            _argument("alias", "name", "the alias to set", "ALIAS"),
            _switch("remove", "take the alias away"),
        ),
        "models",
        example="%workbench alias churn@2 champion",
    ),
    Verb(
        "remove",
        "remove a version, or a model with all its versions",
        (
            _argument("thing", "version", "the version, `churn@3`, or the model, `churn`", "THING", required=True),
            _switch("all", "all versions of the model"),
            _DRY_RUN,
        ),
        "models",
        example="%workbench remove churn@1",
    ),
    Verb(
        "predict",
        "predict offline: a frame, file, URL or table in; a frame, file or table out",
        _PREDICT,
        "predictions",
        short=True,
        example="%predict churn customers.csv -o scored.xlsx",
    ),
    Verb(
        "status",
        "see everything that matters now",
        (_argument("name", "model", "the model to look at", "NAME"), _json("the state")),
        "this installation",
        example="%workbench status",
    ),
    Verb(
        "doctor",
        "find what is wrong with this installation, one fix a line",
        (_json("the findings"),),
        "this installation",
        example="%workbench doctor",
    ),
)


def verb(name: str) -> Verb | None:
    """The verb of that name, if it exists."""
    return next((v for v in VERBS if v.name == name), None)

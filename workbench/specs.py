"""One spec per verb: each option is declared once, with its help text.

The magics, the shell command and the Python functions are derived from `VERBS`, so the three have
the same names, options, defaults, help and errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "flag", "model", "version", "object", "frame", "place", "name"]
"""What an option takes, which decides how a face reads and completes it:
text, a switch, a model's name (`churn`), a version (`churn@3`), an object or a frame of the notebook
(an expression), a place (a frame of the notebook, a file, a URL, a table), a name that exists in no list."""


@dataclass(frozen=True)
class Option:
    """One option of a verb. `flags` is empty for a positional one, which is required unless it has a default."""

    name: str
    kind: Kind
    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()

    @property
    def default(self) -> object:
        return False if self.kind == "flag" else None

    @property
    def positional(self) -> bool:
        return self.metavar != "" and (not self.flags or self.name == "input")


@dataclass(frozen=True)
class Verb:
    """What can be asked. `short` verbs have a line magic of their own; `cell` ones a cell magic too."""

    name: str
    summary: str
    options: tuple[Option, ...]
    short: bool = False
    cell: bool = False
    example: str = ""


def _json(what: str) -> Option:
    return Option("json", "flag", f"{what} as JSON", ("--json",))


_MODEL = Option("model", "version", "the model, `churn`, `churn@3` or `churn@live`", metavar="MODEL", required=True)
_DRY_RUN = Option("dry_run", "flag", "show what would be done; do nothing", ("--dry-run",))

VERBS: tuple[Verb, ...] = (
    Verb(
        "model",
        "capture a model, prove it in a clean process and store it as a version",
        (
            Option("name", "model", "the model's name", metavar="NAME", required=True),
            Option("object", "object", "what to capture when it exists already: an object of the notebook, `module:object`, a .pkl or .joblib file", metavar="OBJECT"),
            Option("example", "frame", "rows that the model can answer: they prove it and are its reference", ("--example",), "FRAME"),
            Option("target", "frame", "the true outcomes: a column of the example, or values beside it", ("--target",), "TARGET"),
            Option("note", "text", "a note kept with the version", ("-m", "--note"), "NOTE"),
            Option("alias", "text", "an alias for the new version", ("--alias",), "ALIAS"),
            Option("row_wise", "text", "say that rows are answered one by one, or are not, whatever the probes say", ("--row-wise",), "yes|no", choices=("yes", "no")),
            Option("no_reference", "flag", "keep no rows of the example in the bundle", ("--no-reference",)),
            Option("dry_run", "flag", "show what would be taken from where; store nothing", ("--dry-run",)),
        ),
        short=True,
        cell=True,
        example="%%model churn --example X_test",
    ),
    Verb(
        "models",
        "list the models, or the versions of one",
        (Option("name", "model", "the model whose versions to list", metavar="NAME"), _json("the list")),
        example="%workbench models churn",
    ),
    Verb(
        "source",
        "read what was captured",
        (_MODEL, Option("cell", "flag", "put it into the next cell", ("--cell",))),
        example="%workbench source churn@2",
    ),
    Verb(
        "diff",
        "compare two versions in source, schema and predictions on the reference",
        (
            Option("a", "version", "a version; with no second one, the newest is compared with it", metavar="A", required=True),
            Option("b", "version", "the version to compare it with", metavar="B"),
            _json("the comparison"),
        ),
        example="%workbench diff churn@1 churn@2",
    ),
    Verb(
        "verify",
        "prove a stored version again, in a clean process of this Python and these packages",
        (_MODEL, _json("the verdict")),
        example="%workbench verify churn@2",
    ),
    Verb(
        "alias",
        "name a version, or list a model's aliases",
        (
            _MODEL,
            Option("alias", "name", "the alias to set", metavar="ALIAS"),
            Option("remove", "flag", "take the alias away", ("--remove",)),
        ),
        example="%workbench alias churn@2 champion",
    ),
    Verb(
        "predict",
        "predict offline: a frame, file, URL or table in; a frame, file or table out",
        (
            _MODEL,
            Option("input", "place", "a frame of the notebook, a file, a URL, a SQL table or query", ("--input", "--source"), "INPUT", required=True),
            Option("output", "place", "where the predictions go; without it they come back as a frame", ("-o", "--output", "--sink"), "OUTPUT"),
            Option("email", "text", "mail the predictions as a file", ("--email",), "ADDRESS"),
        ),
        short=True,
        example="%predict churn customers.csv -o scored.xlsx",
    ),
    Verb(
        "remove",
        "remove a version, or a model with all its versions",
        (
            Option("thing", "version", "the version, `churn@3`, or the model, `churn`", metavar="THING", required=True),
            Option("all", "flag", "all versions of the model", ("--all",)),
            _DRY_RUN,
        ),
        example="%workbench remove churn@1",
    ),
    Verb(
        "status",
        "see everything that matters now",
        (Option("name", "model", "the model to look at", metavar="NAME"), _json("the state")),
        example="%workbench status",
    ),
    Verb(
        "doctor",
        "find what is wrong with this installation, one fix a line",
        (_json("the findings"),),
        example="%workbench doctor",
    ),
)


def verb(name: str) -> Verb | None:
    """The verb of that name, if it exists."""
    return next((v for v in VERBS if v.name == name), None)

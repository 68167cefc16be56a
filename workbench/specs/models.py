"""The verbs of models and their versions."""

from __future__ import annotations

from .spec import DRY_RUN, MODEL, ON, Option, Verb, argument, as_json, option, switch

_TIMEOUT = option(
    "timeout", "number", "seconds that a step of the proof may take: to load, to answer (600)", "SECONDS", least=1
)

_CAPTURE = (
    argument("name", "model", "the model's name", "NAME", required=True),
    argument(
        "object",
        "object",
        "what to capture when it exists already: an object of the notebook, `module:object`, a .pkl, .joblib or .onnx "
        "file, a model folder of MLflow or of Workbench, or what MLflow keeps, models:/NAME/VERSION",
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
    switch("no_reference", "keep no rows of the example in the bundle"),
    _TIMEOUT,
    switch("dry_run", "show what would be taken from where; store nothing"),
)

PLATFORMS = ("docker", "compose", "kserve", "seldon", "knative", "argo", "kubeflow", "ray", "file")

_EXPORT = (
    argument("thing", "thing", "a model, a deployment, a run or a schedule", "THING", required=True),
    Option(
        "to",
        "text",
        "the platform; `file` packs a version for a colleague",
        ("--to",),
        "|".join(PLATFORMS),
        required=True,
        choices=PLATFORMS,
    ),
    Option(
        "output", "sink", "the folder, written anew where it is an export", ("-o", "--output"), "DIR", required=True
    ),
    option("image", "text", "the image's name where the platform gets it (the model's: `churn:3`)", "IMAGE"),
    option("storage", "text", "for kserve and seldon: where the folder `models` is copied to, `s3://…`", "URL"),
    switch("no_token", "answer whoever asks"),
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
        (argument("name", "model", "the model whose versions to list", "NAME"), as_json("the list")),
        "models",
        example="%workbench models churn",
    ),
    Verb(
        "source",
        "read what was captured",
        (MODEL, switch("cell", "put it into the next cell", shown=True)),
        "models",
        example="%workbench source churn@2",
    ),
    Verb(
        "diff",
        "compare two versions in source, schema, requirements and predictions, or two runs",
        (
            argument("a", "version", "a version, or a run; alone, the newest is compared with it", "A", required=True),
            argument("b", "version", "the version or run to compare it with", "B"),
            ON,
            option("since", "text", "of the log, from when on: `7d`", "WHEN"),
            as_json("the comparison"),
        ),
        "models",
        example="%workbench diff churn@1 churn@2",
    ),
    Verb(
        "verify",
        "prove a stored version again: here, in an environment of its own, or by a service",
        (
            MODEL,
            switch("isolated", "in an environment built from its requirements alone"),
            option("against", "text", "by what a service answers: its URL, or the name of one of ours", "URL"),
            option("token", "text", "the variable of the environment that holds the service's token", "NAME"),
            Option(
                "header",
                "text",
                "with --against, what its way in goes by: `Host: churn.example.com`; given again, all of them",
                ("--header",),
                "HEADER",
                many=True,
            ),
            _TIMEOUT,
            as_json("the verdict"),
        ),
        "models",
        example="%workbench verify churn@2 --against http://127.0.0.1:8080",
    ),
    Verb(
        "alias",
        "name a version, or list a model's aliases",
        (
            MODEL,
            argument("alias", "name", "the alias to set", "ALIAS"),
            switch("remove", "take the alias away"),
        ),
        "models",
        example="%workbench alias churn@2 champion",
    ),
    Verb(
        "remove",
        "remove a version, a model with all its versions, or what was stopped",
        (
            argument("thing", "thing", "`churn@3`, `churn`, `service/churn`, `run/17`", "THING", required=True),
            switch("all", "all versions of the model"),
            DRY_RUN,
        ),
        "models",
        example="%workbench remove churn@1",
    ),
    Verb(
        "export",
        "write the folder that another platform runs it from, or that a colleague takes in",
        _EXPORT,
        "models",
        example="%workbench export churn --to docker -o churn-image",
    ),
)

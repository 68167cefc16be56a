"""The verbs that see and steer what runs, and those of this installation."""

from __future__ import annotations

from .spec import BANDIT, DRY_RUN, MODEL, ON, SPLIT, THING, Option, Verb, argument, as_json, option, switch

_ANY = argument("name", "thing", "what runs, or a model; without it all that matters", "NAME")
_SECONDS = option("timeout", "number", "seconds to wait at most", "SECONDS")
_WHY = Option("note", "text", "why, for the history", ("-m", "--note"), "NOTE")


def _answer(name: str, asks: str, answers: str) -> Option:
    """A question of the interview."""
    return Option(name, "text", asks, (f"--{name}",), answers, choices=tuple(answers.split("|")))


VERBS: tuple[Verb, ...] = (
    Verb(
        "promote",
        "move `live` to a version, with all that follows it, or a share of the traffic",
        (
            MODEL,
            option("canary", "text", "the share of the traffic in percent: `10`, or in steps `10,50,100`", "SHARES"),
            option("every", "text", "how long each step, or the watch, lasts at least: `10m`", "TIME"),
            option("min_requests", "number", "on how many requests it is judged at least (200)", "N", least=1),
            option("sticky_by", "text", "the header or column whose value is a key, which keeps its version", "NAME"),
            SPLIT,
            BANDIT,
            option(
                "watch",
                "text",
                "what it must show all the time: 'errors <= 1%, p90 <= 50ms, auc >= 0.8'; without --canary it answers "
                "all at once, and becomes live after --every (10m)",
                "CONDITION",
            ),
            switch("shadow", "give it a copy of the traffic, and only compare its answers"),
            Option("if_", "object", "what it must show first: 'auc >= live', or a check of yours", ("--if",), "CHECK"),
            ON,
            option("since", "text", "of the log, from when on: `7d`", "WHEN"),
            Option("target", "column", "their outcomes: a column of them, or values beside", ("--target",), "TARGET"),
            Option("metric", "object", "a function of outcomes and answers of your own", ("--metric",), "FUNCTION"),
            option("answer", "text", "the column of the answer that is judged (the first)", "COLUMN"),
            _WHY,
        ),
        "models",
        example="%workbench promote churn@2 --canary 10",
    ),
    Verb(
        "rollback",
        "take back what is rolled out, else move `live` back to the version before",
        (argument("model", "model", "the model", "MODEL", required=True), _WHY),
        "models",
        example="%workbench rollback churn",
    ),
    Verb(
        "history",
        "see who moved what of a model's traffic, when and why",
        (argument("model", "model", "the model", "MODEL", required=True), as_json("the history")),
        "models",
        example="%workbench history churn",
    ),
    Verb(
        "status",
        "see everything that matters now, or one thing",
        (_ANY, as_json("the state")),
        "what runs",
        example="%workbench status churn",
    ),
    Verb(
        "dashboard",
        "see models, deployments, runs and schedules on one screen, and steer them",
        (as_json("how much there is"),),
        "what runs",
        example="%workbench dashboard",
    ),
    Verb(
        "deployments",
        "list the services, streams, apps and learners",
        (as_json("the list"),),
        "what runs",
        example="%workbench deployments",
    ),
    Verb(
        "runs",
        "list the runs of batches, or find some",
        (
            argument("words", "text", "what its name, notebook, parameters, results or reason hold", "WORDS"),
            option("state", "text", "only those that are `failed`, `done`, …", "STATE"),
            option("since", "text", "begun since: `7d`, or a date and time", "WHEN"),
            Option("last", "number", "the last so many", ("-n", "--last"), "N", least=1),
            as_json("the list"),
        ),
        "what runs",
        example="%workbench runs retrain --state failed",
    ),
    Verb(
        "retry",
        "run a run again as it was: its notebook as it was then, or the version that answered",
        (argument("name", "thing", "the run: `run/17`", "RUN", required=True), switch("wait", "wait for its end")),
        "what runs",
        example="%workbench retry run/17",
    ),
    Verb(
        "prune",
        "remove runs that are over with what they kept, and environments that nobody needs",
        (
            argument("keep", "text", "how many stay, or for how long: `100`, `30d` (30d)", "N|TIME"),
            DRY_RUN,
        ),
        "what runs",
        example="%workbench prune 30d --dry-run",
    ),
    Verb("schedules", "list what starts runs", (as_json("the list"),), "what runs", example="%workbench schedules"),
    Verb(
        "logs",
        "read what something that runs has written",
        (
            THING,
            Option("lines", "number", "how many lines (50)", ("-n", "--lines"), "N", least=1),
            Option("follow", "flag", "go on as more is written, until interrupted", ("-f", "--follow")),
        ),
        "what runs",
        example="%workbench logs churn -n 20",
    ),
    Verb(
        "wait",
        "wait until a run is done, or a deployment is ready; else it is an error",
        (THING, _SECONDS),
        "what runs",
        example="%workbench wait run/17",
    ),
    Verb(
        "stop",
        "end something that runs; what it began is finished first",
        (THING, DRY_RUN),
        "what runs",
        example="%workbench stop service/churn",
    ),
    Verb(
        "start",
        "start again what was stopped; of a schedule, a run now",
        (THING,),
        "what runs",
        example="%workbench start service/churn",
    ),
    Verb(
        "restart",
        "replace its processes by new ones, without a gap",
        (THING,),
        "what runs",
        example="%workbench restart service/churn",
    ),
    Verb(
        "pause",
        "let a stream, a run or a schedule wait",
        (THING,),
        "what runs",
        example="%workbench pause stream/churn",
    ),
    Verb(
        "resume",
        "go on with what was paused, or with a run that was stopped or has failed",
        (THING,),
        "what runs",
        example="%workbench resume run/17",
    ),
    Verb(
        "open",
        "open the page of a service, or an app, in a browser that is let in",
        (THING,),
        "what runs",
        example="%workbench open churn",
    ),
    Verb(
        "dead-letters",
        "see what a stream could not answer, and give it back put right",
        (
            THING,
            switch("replay", "give them to the stream again"),
            option("rows", "place", "with --replay: these in their place, as a frame or a file", "ROWS"),
            switch("discard", "let go of them"),
            as_json("the letters"),
        ),
        "what runs",
        example="%workbench dead-letters churn --replay",
    ),
    Verb(
        "seek",
        "let a stream read on from another place, back or ahead",
        (
            THING,
            argument(
                "to",
                "text",
                "`start`, `end`, an offset, or a time: `2013-07-04T12:00`, `2h` ago",
                "PLACE",
                required=True,
            ),
        ),
        "what runs",
        example="%workbench seek churn 2h",
    ),
    Verb(
        "requests",
        "read back what a service was asked and answered, as a frame",
        (
            THING,
            option("since", "text", "from when on: `1h` ago, or a date and time", "WHEN"),
            option("until", "text", "up to when", "WHEN"),
            option("version", "number", "of this version of the model only", "N", least=1),
            switch("failed", "only what was refused or failed"),
            Option("last", "number", "the last so many rows", ("-n", "--last"), "N", least=1),
            Option("output", "sink", "write them to a file or a table", ("-o", "--output"), "OUTPUT"),
        ),
        "what runs",
        example="%workbench requests churn --since 1h",
    ),
    Verb(
        "debug",
        "ask a logged request again here, and stop in your own line",
        (THING, argument("request", "text", "its id, as requests shows it", "REQUEST", required=True)),
        "what runs",
        example="%workbench debug churn 0-4711-12",
    ),
    Verb(
        "token",
        "the token that a service asks for, or further ones, each with a name",
        (
            THING,
            option("new", "text", "make one more, for somebody of this name; it is shown this once", "NAME"),
            option("remove", "text", "take that of this name back", "NAME"),
            switch("names", "list the names"),
        ),
        "what runs",
        example="%workbench token churn",
        shell_example="workbench token churn",
    ),
    Verb(
        "bench",
        "see where a service's time goes, what it can do, and what would help",
        (
            argument("name", "thing", "the service: `churn`, `service/churn`", "SERVICE", required=True),
            option("seconds", "number", "how long it is asked in all (4)", "SECONDS"),
            option("connections", "number", "the most at once (64; 1 while others use it)", "N", least=1, most=512),
            option("rows", "number", "how many rows of its reference a request has (1)", "N", least=1, most=4096),
            as_json("the figures"),
        ),
        "what runs",
        example="%workbench bench churn",
    ),
    Verb(
        "advise",
        "find which of the four patterns fits, in five questions",
        (
            argument("model", "model", "the model", "MODEL"),
            _answer("who", "who uses the prediction", "person|table|program|events"),
            _answer("soon", "how soon it must be known", "hours|minutes|seconds"),
            _answer("often", "how often it is asked", "once|cycle|always"),
            _answer("rows", "how many rows at a time", "one|many|huge"),
            _answer("changes", "whether new data changes the model", "no|cycle|always"),
            as_json("the advice"),
        ),
        "this installation",
        example="%workbench advise churn",
    ),
    Verb(
        "doctor",
        "find what is wrong with this installation, one fix a line",
        (as_json("the findings"),),
        "this installation",
        example="%workbench doctor",
    ),
    Verb(
        "lab",
        "open JupyterLab with the notebooks of this installation, or in a folder of yours",
        (
            argument("folder", "text", "the folder (`workbench-notebooks`, made here)", "FOLDER"),
            DRY_RUN,
        ),
        "this installation",
        example="%workbench lab",
        shell_example="workbench lab",
    ),
    Verb(
        "shutdown",
        "end the supervisor; what runs goes on, unattended until a verb starts something",
        (switch("all", "stop everything that runs first"),),
        "this installation",
        example="%workbench shutdown",
    ),
    Verb(
        "tour",
        "put the guided tour into a folder, and run it there",
        (
            argument("folder", "text", "where (`workbench-tour`)", "FOLDER"),
            switch("run", "run it, and make a page of it"),
        ),
        "this installation",
        example="%workbench tour",
        shell_example="workbench tour --run",
    ),
)

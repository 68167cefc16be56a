"""`advise`: what is known of how predictions are used -> the pattern that fits, why, and the line to run next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """One of the interview: `name` is its option, `answers` are what may be said, and what each means."""

    name: str
    asks: str
    answers: dict[str, str]


QUESTIONS = (
    Question(
        "who",
        "Who uses the prediction?",
        {
            "person": "a person, who looks at it or mails it on",
            "table": "a table, a report or files that others read",
            "program": "a program or a site, which asks and waits for the answer",
            "events": "whatever follows each event: an alarm, a check, another queue",
        },
    ),
    Question(
        "soon",
        "How soon after the data is there must it be known?",
        {"hours": "within hours or days", "minutes": "within minutes", "seconds": "at once"},
    ),
    Question(
        "often",
        "How often is it asked?",
        {
            "once": "once, or now and then",
            "cycle": "on a cycle, or when files arrive",
            "always": "all the time, whenever somebody or something asks",
        },
    ),
    Question(
        "rows",
        "How many rows at a time?",
        {"one": "one, or a few", "many": "up to a million", "huge": "more than fit into memory"},
    ),
    Question(
        "changes",
        "Does new data change the model?",
        {
            "no": "no, or seldom: somebody trains it again",
            "cycle": "it is to be trained again every so often",
            "always": "each outcome that becomes known should change it at once",
        },
    ),
)


@dataclass(frozen=True)
class Pattern:
    """One of the four: how it is begun, what it is good at, and what it becomes beyond one machine."""

    name: str
    line: str
    good: str
    grows: str


OFFLINE = Pattern(
    "offline",
    "%predict {model} FILE -o scored.xlsx",
    "no process, nothing to look after: the answer is a frame, a file or a mail",
    "a store that is too large goes to %batch, with the same model",
)
BATCH = Pattern(
    "batch",
    "%batch {model} 'FILES' -o FOLDER",
    "it outlives the notebook, a killed run goes on where it was, bad rows are listed and stop nothing",
    "Spark or Ray where one machine reads too slowly, Airflow or Argo where many jobs depend on each other",
)
SERVING = Pattern(
    "serving",
    "%serve {model}",
    "an answer in milliseconds over HTTP; new versions are rolled out without a failed request",
    "KServe, Seldon or Knative on Kubernetes, Ray Serve on a cluster: they speak the same protocols",
)
STREAMING = Pattern(
    "streaming",
    "%stream {model} queue:NAME -o OUTPUT",
    "the queue smooths the load, nothing is lost when the model or the sink is down",
    "Kafka in the place of the embedded queue, and more workers of the same group",
)


@dataclass(frozen=True)
class Advice:
    """The pattern that fits, why, the lines to run, and what else is to be seen to."""

    pattern: str
    why: str
    lines: tuple[str, ...]
    good: str
    grows: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = [("why", self.why), ("gives", self.good), *(("note", note) for note in self.notes)]
        rows += [("grows", self.grows), ("next", " · ".join(self.lines))]
        return "\n".join([f"{self.pattern} fits", *(f"  {label:<5} {line}" for label, line in rows)])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"pattern": self.pattern, "why": self.why, "lines": list(self.lines), "notes": list(self.notes)}


@dataclass(frozen=True)
class Interview:
    """The questions that are still open. In a notebook it is a form, in a terminal they are asked one by one."""

    model: str
    given: dict[str, str]

    @property
    def open(self) -> list[Question]:
        """What was not answered yet."""
        return [question for question in QUESTIONS if question.name not in self.given]

    def __str__(self) -> str:
        first = " ".join(f"--{q.name} {self.given.get(q.name) or next(iter(q.answers))}" for q in QUESTIONS)
        return "\n".join([*map(_asked, self.open), "", f"→ %workbench advise {self.model} {first}"])

    __repr__ = __str__

    def to_json(self) -> dict[str, dict[str, str]]:
        return {question.name: question.answers for question in self.open}


def answered(model: str, given: dict[str, str]) -> Advice | Interview:
    """What fits, once every question is answered; else what is still to be asked."""
    known = {name: said for name, said in given.items() if said}
    return advise(model, known) if len(known) == len(QUESTIONS) else Interview(model, known)


def _asked(question: Question) -> str:
    width = max(map(len, question.answers))
    lines = [f"  --{question.name} {said:<{width}}  {means}" for said, means in question.answers.items()]
    return "\n".join([question.asks, *lines])


def advise(model: str, answers: dict[str, str]) -> Advice:
    """The pattern that fits what was answered to all `QUESTIONS`; `model` is named in the lines to run."""
    pattern, why = _pattern(**{name: answers[name] for name in ("who", "soon", "often", "rows")})
    line = pattern.line.format(model=model)
    if pattern is BATCH and answers["often"] == "cycle":
        line += " --every 'monday 6:00'"
    lines, notes = [line], []
    if answers["changes"] == "cycle":
        notes.append("a notebook that trains and captures can run on a cycle, and promote what is better")
        lines.append("%batch retrain.ipynb --every 'monday 4:00'")
    if answers["changes"] == "always":
        notes.append("tell the outcomes to the model: %workbench feedback has them by version, and drift watches it")
    if pattern is SERVING and answers["rows"] == "huge":
        notes.append("a request is bounded: many rows at a time are quicker as a batch")
    return Advice(pattern.name, why, tuple(lines), pattern.good, pattern.grows, tuple(notes))


def _pattern(who: str, soon: str, often: str, rows: str) -> tuple[Pattern, str]:
    """The first that fits, and why."""
    rules = (
        (who == "events", STREAMING, "each event is answered as it passes, at its own pace, with nothing lost"),
        (who == "program", SERVING, "a program waits for the answer, so something must stand ready to give it"),
        (soon == "seconds" and often == "always", SERVING, "it is asked at any time, and must be known at once"),
        (often == "always", STREAMING, "data comes all the time, and may wait a moment in a queue"),
        (often == "cycle", BATCH, "it comes round, or when files arrive: nobody should have to think of it"),
        (rows == "huge", BATCH, "that many rows take long: it must survive the kernel, and go on after a crash"),
        (who == "table", BATCH, "others read what it writes: it appears whole or not at all"),
    )
    return next(((pattern, why) for fits, pattern, why in rules if fits), (OFFLINE, "somebody asks now and then"))

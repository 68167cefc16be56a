"""`drift --every`: the drift of something that runs, looked at on a cycle, in the background; whoever wants to know is
told when it begins, or is of other columns than before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bundle import registries
from ..bundle.storage import writing
from ..errors import NotFound, UsageError
from ..monitoring import alarm
from ..notify import tell
from ..patterns.batch.outcome import Times
from . import notebooks
from .deploy import Deploying, Wanted
from .drifting import found, job_of
from .environment import Common
from .running import Running
from .starting import Cycle

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..monitoring.drift import Drift


def watch(
    running: Running,
    registry: Registry,
    name: str,
    input: Any,
    every: str,
    how: dict[str, Any],
    common: Common,
    then: str | None,
    metrics: str | None,
) -> Any:
    """The schedule `schedule/drift-NAME`. UsageError for rows, which stay what they are, and for what does not run."""
    job = job_of(running, registry, name) if input is None and "@" not in name else None
    if job is None:
        raise UsageError(f"{name} with --every: on a cycle only what runs is looked at", fix=f"%serve {name} first")
    if how["against"] is not None and not isinstance(how["against"], str):
        raise UsageError("--against takes a file or a table on a cycle", fix="write the rows to a file")
    notebook = Path(then).expanduser().absolute() if then else None
    if notebook and not notebook.is_file():
        raise NotFound(f"there is no notebook {notebook}", fix="name a file that ends in .ipynb")
    told = {
        "notify": common.notify,
        "then": notebook and str(notebook),
        "metrics": metrics and _place(metrics),
    }
    spec = {"what": "call", "calls": f"{__name__}:look", "name": job.name, "how": how, **told}
    spec |= {"model": str(job.spec.get("model", "")), "says": f"drift of {job.name}"}
    wanted = Wanted(spec, f"drift-{job.name.partition('/')[2]}")
    cycle = Cycle(every, None, "latest", "skip")
    return Deploying(registry, running).batch(wanted, common, cycle, wait=False)


@dataclass(frozen=True)
class Looked:
    """What a look has found, as its run tells it; what waits for drift follows one with which it `begins`."""

    note: str
    drifted: bool
    columns: list[str]
    begins: bool
    state: str = "done"

    def to_json(self) -> dict[str, Any]:
        return {"note": self.note, "drifted": self.drifted, "columns": self.columns, "begins": self.begins}


def look(home: Path, spec: dict[str, Any], *, control: Any) -> Looked:
    """One look: whether what runs has drifted, with whoever is to know told, and what is to be run begun, where that is
    news."""
    running, registry = Running(home), registries.of(home)
    before = alarm.kept(running.store.job_folder(spec["name"])).get("columns", [])
    seen = found(running, registry, spec["name"], None, **spec["how"])
    news = seen.drifted and set(seen.columns) != set(before)
    if spec["metrics"]:
        write(spec["metrics"], spec["name"], seen)
    if news and spec["notify"]:
        tell(spec["notify"], f"drift: {spec['name']}, {seen.model}", str(seen))
    began = _begun(Deploying(registry, running), spec["then"]) if spec["then"] and news and not before else ""
    note = str(seen).partition("\n")[0] + (f" → {began}" if began else "")
    return Looked(note, seen.drifted, seen.columns, bool(news and not before))


def _begun(deploying: Deploying, notebook: str) -> str:
    """The run of a notebook that was begun."""
    wanted = notebooks.wanted(notebook, None, {}, Times(), notebooks.Swept(), None, notebooks.Manner(hold=0))
    return str(deploying.batch(wanted, Common(), None, wait=False).name)


def write(place: str, name: str, seen: Drift) -> None:
    """The figures in a file, whole or as it was. StorageError."""
    file = Path(_place(place))
    with writing(file.parent):
        part = file.with_name(f".{file.name}.part")
        part.write_bytes(alarm.prometheus(alarm.said(name, seen)))
        part.replace(file)


def _place(file: str) -> str:
    return str(Path(file).expanduser().absolute())

"""A run: a store is scored or a notebook is run, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..bundle.registry import Registry
from ..errors import JobFailed

if TYPE_CHECKING:
    from .context import Context


def run(context: Context) -> None:
    """The life of a run. It ends as `done`, `failed`, or stopped, to be resumed."""
    spec = context.job.spec
    context.state("ready")
    result = _score(context, spec) if spec["what"] == "score" else _notebook(context, spec)
    context.facts(**result.to_json())
    if result.state == "failed":
        raise JobFailed(str(result), fix=f"%workbench resume {context.name}")
    if result.state == "done":
        context.state("done")


def _score(context: Context, spec: dict[str, Any]) -> Any:
    from ..inference.schema import Schema
    from ..patterns.batch.scoring import score

    version = Registry(paths.registry(context.home)).resolve(spec["model"])
    context.facts(version=version.ref)
    return score(
        version.predictor(context.home),
        spec["input"],
        spec["output"],
        ledger=context.folder / "ledger.db",
        control=context,
        name=version.ref,
        outputs=Schema.from_json(version.manifest.outputs),
        max_rejects=spec["max_rejects"],
        replace=spec["replace"],
    )


def _notebook(context: Context, spec: dict[str, Any]) -> Any:
    from ..patterns.batch.notebook import run_notebook

    notebook = Path(spec["notebook"])
    return run_notebook(
        notebook,
        Path(spec["output"] or context.folder / notebook.name),
        spec["parameters"],
        control=context,
        folder=notebook.parent,
        timeout=spec["timeout"],
    )

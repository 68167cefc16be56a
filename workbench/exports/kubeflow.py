"""A pipeline of Kubeflow that proves the version in the cluster and scores a store with it; a recurring run for a
schedule. The pipeline is written with Kubeflow's own SDK, and compiled by it where it is here."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

from .. import paths
from ..bundle import venvs
from ..bundle.storage import write_text
from ..errors import NotProven
from . import manifests, places
from .argo import proof
from .guide import Guide

if TYPE_CHECKING:
    from pathlib import Path

    from .subject import Cycle, Subject

_PROVED = (
    "Its first step, `prove`, does so in the cluster before each run: the reference rows are scored in the image, and "
    "compared with what the notebook's cell answered to them. A difference ends the run."
)
_KFP = "kfp>=2.14"
_UNCOMPILED = "The pipeline is not compiled: {why}. Where Kubeflow's SDK is, `python pipeline.py` does."
_VARIABLES = "The steps need the variables {names} in the cluster: kfp's `kubernetes.use_secret_as_env` gives them."
_CHANGED = "After a change to `pipeline.py`, `python pipeline.py` compiles it again."
_ZONE = (
    "Kubeflow starts recurring runs by the clock of its own server, which is UTC unless set; the schedule is of {zone}."
)
_SECONDS = 300

_PIPELINE = '''"""{title}: {does}. Written by `workbench export`; `python pipeline.py` compiles it."""

from pathlib import Path

from kfp import compiler, dsl

IMAGE = {image!r}


@dsl.component(base_image=IMAGE)
def prove(model: str):
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "workbench", "verify", model], check=True)


@dsl.component(base_image=IMAGE)
def score(input: str, output: str):
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "workbench.operations.foreground", input, output], check=True)


@dsl.pipeline(name={name!r}, description={title!r})
def pipeline(input: str{input}, output: str{output}):
{body}

if __name__ == "__main__":
    target = Path(__file__).with_name("pipeline.yaml")
    compiler.Compiler().compile(pipeline, str(target))
'''
_PROVE = """    proven = prove(model={ref!r})
    score(input=input, output=output).after(proven)
"""
_SCORE = """    score(input=input, output=output)
"""
_RECURRING = '''"""{title} on the cycle `{cron}`: makes the recurring run. Written by `workbench export`."""

import kfp

client = kfp.Client()  # the address is in KF_PIPELINES_ENDPOINT, or pass host=
experiment = client.create_experiment({name!r})
client.create_recurring_run(
    experiment_id=experiment.experiment_id,
    job_name={name!r},
    pipeline_package_path="pipeline.yaml",
    cron_expression={line!r},
    max_concurrency=1,
    no_catchup={late},
)
'''


def write(subject: Subject, folder: Path) -> Guide:
    """The pipeline as its author would write it, compiled, and what the image is built from."""
    steps = manifests.images(subject, folder)
    write_text(folder / "pipeline.py", _pipeline(subject))
    why = _compiled(folder)
    notes = (_UNCOMPILED.format(why=why),) * bool(why)
    notes += (_VARIABLES.format(names=", ".join(subject.variables)),) * bool(subject.variables)
    notes += (*places.local(subject), places.drivers("images/*/"), _CHANGED)
    steps += (("have Kubeflow's SDK here", f"pip install '{_KFP}'"),)
    steps += (("compile the pipeline", "python pipeline.py"),) * bool(why)
    run = "kfp run create --experiment-name {0} --package-file pipeline.yaml input=INPUT output=OUTPUT"
    steps += (("run it once (the server's address is in KF_PIPELINES_ENDPOINT)", run.format(subject.label)),)
    if cycle := subject.cycle:
        write_text(folder / "recurring.py", _recurring(subject, cycle))
        steps += (("run it on its cycle", "python recurring.py"),)
        notes += (_ZONE.format(zone=cycle.zone),) * bool(cycle.zone and cycle.zone != "UTC")
    return Guide(steps, proof=proof(subject, _PROVED), notes=notes)


def _pipeline(subject: Subject) -> str:
    ref = f"{subject.model}@{subject.live.version}"
    proven = subject.live.manifest.has_reference
    places = {key: f" = {subject.spec[key]!r}" if subject.spec.get(key) else "" for key in ("input", "output")}
    return _PIPELINE.format(
        title=ref,
        does="proves it in the cluster, then scores a store with it" if proven else "scores a store with it",
        image=subject.image_of(subject.live),
        name=subject.label,
        body=(_PROVE if proven else _SCORE).format(ref=ref),
        **places,
    )


def _recurring(subject: Subject, cycle: Cycle) -> str:
    """Kubeflow's cron lines begin with the second."""
    ref = f"{subject.model}@{subject.live.version}"
    late = cycle.catch_up != "all"
    line = f"0 {cycle.cron}"
    return _RECURRING.format(title=ref, cron=cycle.cron, name=subject.label, line=line, late=late)


def _compiled(folder: Path) -> str:
    """Make pipeline.yaml with Kubeflow's own compiler, in an environment of its own where it is not installed here,
    since it may not go with what is; why not, in words, where that cannot be."""
    try:
        python = sys.executable if importlib.util.find_spec("kfp") else str(_environment())
    except NotProven as error:
        return error.what
    command = [python, "pipeline.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def _environment() -> Path:
    return venvs.made(f"{_KFP}\n", ".".join(map(str, sys.version_info[:2])), paths.home(), "Kubeflow's compiler")

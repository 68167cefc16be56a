"""What is exported: the versions, how they are asked, and under which names they will be known elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..inference.schema import Schema
from ..routing.table import Table

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion

Json = dict[str, Any]
PORT = 8080
TOKEN = "WORKBENCH_TOKEN"  # noqa: S105 the name of the variable that holds it
SERVICE: Json = {
    "host": "0.0.0.0",  # noqa: S104 a container's own network
    "port": PORT,
    "grpc": None,
    "workers": 1,
    "token": True,
    "open_metrics": False,
    "async": None,
    "tls": None,
    "cors": [],
    "log": None,
    "limits": {"max_body": 16_000_000, "max_queue": 1024, "timeout": 60.0},
    "fast": False,
    "env": None,
}
"""How a service is run that nobody has deployed: as `serve` has it without options."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LABEL = 63  # the longest name that Kubernetes gives


@dataclass(frozen=True)
class Cycle:
    """When runs are due, in which time zone, and what becomes of those that were missed or meet one that runs."""

    cron: str
    zone: str | None
    catch_up: str
    overlap: str


@dataclass(frozen=True)
class Subject:
    """`name` is that of the deployment or schedule, else the model's; `kind` is `service`, `stream` or `run`; `model`
    is what the versions are called where they answer. The first of `versions` is the live one, `table` says what share
    another has. `image` and `storage` are what a person gave."""

    name: str
    kind: str
    model: str
    versions: tuple[ModelVersion, ...]
    table: Table
    spec: Json
    cycle: Cycle | None = None
    image: str = ""
    storage: str = ""
    notes: tuple[str, ...] = ()

    @property
    def live(self) -> ModelVersion:
        """The version that answers, or most of it."""
        return self.versions[0]

    @property
    def beside(self) -> ModelVersion | None:
        """The version that comes, where one is rolled out."""
        return self.versions[1] if len(self.versions) > 1 else None

    @property
    def percents(self) -> tuple[tuple[ModelVersion, int], ...]:
        """The share of each version in whole percents, which add up to 100; the live one has the rest."""
        others = [(version, round(self.table.shares[version.ref])) for version in self.versions[1:]]
        return ((self.live, 100 - sum(share for _, share in others)), *others)

    @property
    def title(self) -> str:
        """`churn@3`, `churn@2 and churn@3`."""
        return " and ".join(version.ref for version in self.versions)

    @property
    def label(self) -> str:
        """Its name as Kubernetes has names."""
        return label(self.name)

    def named(self, version: ModelVersion) -> str:
        """The name of one version, as Kubernetes has names: `churn-3`."""
        return f"{label(self.name, _LABEL - 1 - len(str(version.version)))}-{version.version}"

    def image_of(self, version: ModelVersion) -> str:
        """The image that holds this version: `churn:3`, or as was given."""
        given = self.image or self.label
        return given if ":" in given.rpartition("/")[2] else f"{given}:{version.version}"

    def storage_of(self, version: ModelVersion) -> str:
        """Where this version lies in the storage that was given: `s3://bucket/models/churn/3`."""
        return f"{self.storage.rstrip('/')}/{self.model}/{version.version}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment that it needs: its token, those that its versions read, those of places."""
        token = [TOKEN] if self.spec.get("token") else []
        read = [name for version in self.versions for name in version.manifest.environment]
        places = [_VARIABLE.findall(str(self.spec.get(key) or "")) for key in ("input", "output")]
        return tuple(dict.fromkeys([*token, *read, *(name for found in places for name in found)]))

    @property
    def outputs(self) -> Schema:
        """What the live version answers."""
        return Schema.from_json(self.live.manifest.outputs)

    def under_a_label(self) -> Subject:
        """The same, with versions that answer under a name that Kubernetes takes."""
        return replace(self, model=label(self.model))

    def as_service(self) -> Subject:
        """The same, answering over HTTP whoever reaches it: what brings a stream's events has no token."""
        return replace(self, kind="service", spec={**SERVICE, "token": False})

    def without_shadow(self, platform: str) -> Subject:
        """The same for a platform that has no shadow, with what is to be said of that."""
        if self.beside is None or not self.table.shadow:
            return self
        said = f"{platform} has no shadow: {self.beside.ref} is left out, {self.live.ref} answers everything"
        return replace(self.only(self.live), notes=(*self.notes, said))

    def only(self, version: ModelVersion) -> Subject:
        """The same with one version, which answers everything."""
        return replace(self, versions=(version,), table=Table(version.ref))


def label(name: str, most: int = _LABEL) -> str:
    """A name as Kubernetes has them: `late-departure` for `late_departure`."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:most].strip("-")
    return plain if plain[:1].isalpha() else f"m-{plain}"[:most].strip("-")


def check_kind(subject: Subject, platform: str, *kinds: str) -> None:
    """UsageError where the platform has nothing for what is to be exported."""
    if subject.kind in kinds:
        return
    words = {"service": "a service or a model", "stream": "a stream", "run": "a batch or a schedule"}
    fix = f"name {' or '.join(words[kind] for kind in kinds)}, or another platform"
    raise UsageError(f"{platform} has nothing for {words[subject.kind]}: {subject.name}", fix=fix)

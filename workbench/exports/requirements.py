"""What is exported -> the packages that it needs there and nothing else, with all that they need, each pinned."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..errors import UsageError

if TYPE_CHECKING:
    from .subject import Subject

_ALWAYS = ("croniter", "fsspec", "numpy", "orjson", "pandas", "platformdirs", "psutil", "pyarrow", "sqlalchemy")
_ALSO = ("cloudpickle", "joblib", "threadpoolctl", "tqdm")
_SERVING = ("fastapi", "httptools", "httpx", "jinja2", "prometheus-client", "uvicorn", "uvloop")
_GRPC = ("grpcio", "protobuf")
_DRIVERS = {
    "redis": "redis",
    "rediss": "redis",
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "https": "aiohttp",
    "http": "aiohttp",
    "postgresql": "psycopg",
    "kafka": "confluent-kafka",
    "nats": "nats-py",
    "amqp": "aio-pika",
}
_SYSTEM = {"lightgbm": "libgomp1"}


def pins(subject: Subject) -> dict[str, str]:
    """Each package and its version: those that the versions were captured with, the rest as it is here. UsageError
    where two versions cannot be together, or a driver is not here."""
    captured = _captured(subject)
    found = _closure([*captured, *_needed(subject)])
    return dict(sorted({**found, **captured}.items()))


def system(pinned: Iterable[str]) -> list[str]:
    """The packages of Debian that these need, which a slim image has not."""
    return sorted({_SYSTEM[name] for name in pinned if name in _SYSTEM})


def _captured(subject: Subject) -> dict[str, str]:
    found: dict[str, str] = {}
    for version in subject.versions:
        for name, number in version.manifest.packages.items():
            if found.setdefault(canonicalize_name(name), number) != number:
                both = f"{name} {found[canonicalize_name(name)]} and {number}"
                what = f"{subject.title} need {both}: they cannot be together"
                raise UsageError(what, fix=f"export one of them: %workbench export {version.ref} …")
    return found


def _needed(subject: Subject) -> list[str]:
    needed = [*_ALWAYS, *_ALSO, *(_SERVING if subject.kind == "service" else ())]
    needed += _GRPC if subject.spec.get("grpc") else ()
    for place in (subject.spec.get("input"), subject.spec.get("output")):
        needed += _drivers(str(place or ""))
    return needed


def _drivers(place: str) -> list[str]:
    scheme = place.partition("://")[0].partition("+")[0] if "://" in place else ""
    needed = [_DRIVERS[scheme]] if scheme in _DRIVERS else []
    needed += ["openpyxl"] if place.partition("?")[0].endswith((".xlsx", ".xlsm")) else []
    for name in needed:
        if not _installed(name):
            what = f"{scheme}:// needs {name}, which is not installed here, so that nothing says which version"
            raise UsageError(what, fix=f"pip install {name}")
    return needed


def _installed(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _closure(names: list[str]) -> dict[str, str]:
    """These and all that they require here, as it is installed; what is not installed was not needed."""
    found: dict[str, str] = {}
    left = [(canonicalize_name(name), frozenset[str]()) for name in names]
    seen = set(left)
    while left:
        name, extras = left.pop()
        if (distribution := _installed(name)) is None:
            continue
        found[name] = distribution.version
        for requirement in map(Requirement, distribution.requires or ()):
            one = canonicalize_name(requirement.name), frozenset(requirement.extras)
            if _applies(requirement, extras) and one not in seen:
                seen.add(one)
                left.append(one)
    return found


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))

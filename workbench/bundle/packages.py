"""The packages that a model was captured with, beside those of this process; and proofs under others."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ..capture.modules import DISTRIBUTIONS
from .layout import Manifest

_IMPORT_NAMES = {distribution.lower(): name for name, distribution in DISTRIBUTIONS.items()}


def import_name(distribution: str) -> str:
    """The name under which a distribution is most likely imported."""
    return _IMPORT_NAMES.get(distribution.lower(), distribution.replace("-", "_"))


def installed(name: str) -> str | None:
    """The version of a distribution in this process: of the loaded module, since a later `pip install` changes
    only the metadata; else of what an import would find. None if it is not installed."""
    try:
        found = _version(name)
    except PackageNotFoundError:
        return None
    loaded = getattr(sys.modules.get(import_name(name)), "__version__", None)
    comparable = isinstance(loaded, str) and "+" not in found and loaded.count(".") == found.count(".")
    return loaded if comparable else found


def _version(name: str) -> str:
    """As `importlib.metadata.version` says it, which reads the whole page of a package, description and all, for it."""
    found = distribution(name)
    said = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    line = re.search(r"^Version:[ \t]*(\S+)", said, re.MULTILINE)
    return line[1] if line else found.version


def differences(wanted: dict[str, str]) -> dict[str, str]:
    """What differs, in words, by distribution: `scikit-learn 1.8.0 there, 1.9.1 here`."""
    found: dict[str, str] = {}
    for name, there in wanted.items():
        here = installed(name)
        if here != there:
            found[name] = f"{name} {there} there, {here + ' here' if here else 'not installed here'}"
    return found


def proof_file(home: Path, manifest: Manifest) -> Path:
    """Where the proof lies that a model answers the same under the packages of this process."""
    here = {name: installed(name) for name in manifest.packages}
    text = json.dumps([platform.python_version(), here], sort_keys=True)
    return home / "proofs" / f"{manifest.fingerprint[:32]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def loaded_modules(distributions: Mapping[str, str]) -> tuple[str, ...]:
    """The public modules of these distributions that this process has imported, two levels deep: what a clean
    process will need as well, so that it can be forked from one that has them."""
    roots = {import_name(name) for name in distributions}
    names = (name.split(".") for name in list(sys.modules))
    return tuple(sorted({".".join(n) for n in names if n[0] in roots and len(n) <= 2 and not n[-1].startswith("_")}))

"""An owner of a pre-warmed process that the tests kill: `python owners.py FOLDER warm|fresh`."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.spawn import client, environment

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if sys.argv[2] == "warm":
        client.warm()
    (folder / "owner").write_text(str(client.warm_pid() or 0))
    env = environment.clean() | {"PYTHONPATH": str(Path(__file__).parent)}
    client.run("targets:wait_for", {"pids": str(folder / "pids"), "stop": str(folder / "stop")}, env=env, cwd=folder)

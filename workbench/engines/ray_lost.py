"""The replicas of a service that have fallen silent -> those of them that have ended, and of what."""

from __future__ import annotations

from typing import Any

GONE = "node has died"
"""What Ray says of a process whose machine is lost."""
_BUSY, _ENDED = "", "ended: it was killed, or has crashed"


class Lost:
    """Asks the silent ones: a model that is busy may let one be silent for long, which is none of its deaths."""

    def __init__(self, board: Any) -> None:
        self._board = board
        self._asked: dict[str, Any] = {}

    def look(self) -> list[str]:
        """Of what those have ended that were not known to have, in words."""
        import ray

        for replica, actor in ray.get(self._board.silent.remote()).items():
            if replica not in self._asked:
                self._asked[replica] = actor.__ray_ready__.remote()
        if not self._asked:
            return []
        done, _ = ray.wait(list(self._asked.values()), num_returns=len(self._asked), timeout=0)
        whys = {replica: _why(answer) for replica, answer in self._asked.items() if answer in done}
        for replica, why in whys.items():
            del self._asked[replica]
            if why != _BUSY:
                ray.get(self._board.forget.remote(replica))
        return [why for why in whys.values() if why != _BUSY]


def _why(answer: Any) -> str:
    import ray

    try:
        ray.get(answer)
    except ray.exceptions.RayError as error:
        return "was lost with its node" if GONE in str(error) else _ENDED
    return _BUSY

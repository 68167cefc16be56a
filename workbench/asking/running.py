"""What is asked of what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..operations import request_log, steering, tokens
from .home import Home

if TYPE_CHECKING:
    from ..operations.bench import Bench
    from ..operations.debugging import Replay
    from ..operations.kinds import Handles
    from ..operations.letters import DeadLetters
    from ..operations.pruning import Pruned


class WhatRuns(Home):
    """What is asked of what runs."""

    def deployments(self) -> Handles:
        """The services, streams, apps and learners."""
        from ..operations.kinds import Handles, handle

        none = "no deployments → %serve MODEL, %stream MODEL QUEUE -o OUTPUT or %workbench app NOTEBOOK"
        found = [handle(self.running, self.registry, job) for job in self.running.deployed()]
        return Handles(found, none, self.running.looked_at())

    def runs(
        self,
        words: str | None = None,
        *,
        state: str | None = None,
        since: str | None = None,
        last: int | None = None,
    ) -> Handles:
        """The runs of batches, or those that words, a state or a time find."""
        from ..operations.kinds import Handles, handle
        from ..operations.run_history import search

        note = self.running.looked_at()
        jobs = self.running.jobs("run")
        found = search(jobs, words, state, since, last)
        none = "none of the runs is like that" if jobs else "no runs → %batch MODEL FILES -o FOLDER"
        return Handles([handle(self.running, self.registry, job) for job in found], none, note)

    def retry(self, name: str, *, wait: bool = False) -> Any:
        """A run again as it was."""
        from ..operations.kinds import handle
        from ..operations.run_history import again

        job = again(self.running, name)
        self.running.begin(job)
        return self.wait(job.name) if wait else handle(self.running, self.registry, job)

    def prune(self, keep: str | int | None = None, *, dry_run: bool = False) -> Pruned:
        """Runs that are over, removed with what was kept of them, and environments that no version needs."""
        from ..operations.pruning import pruned

        return pruned(self.running, self.registry, str(keep or "30d"), dry_run=dry_run)

    def schedules(self) -> Handles:
        """What starts runs."""
        from ..operations.kinds import Handles, handle

        note = self.running.looked_at()
        found = [handle(self.running, self.registry, schedule) for schedule in self.running.schedules()]
        return Handles(found, "no schedules → %batch MODEL FILES -o FOLDER --every CRON", note)

    def logs(self, name: str, *, lines: int | None = None, follow: bool = False) -> Any:
        """What something that runs has written."""
        from ..operations.steering import logs

        return logs(self.running, name, lines or 50, follow=follow)

    def wait(self, name: str, *, timeout: float | None = None) -> Any:
        """Until a run has ended, or a deployment is ready."""
        return steering.wait(self.running, self.registry, name, timeout)

    def stop(self, name: str, *, dry_run: bool = False) -> Any:
        """End something that runs."""
        return steering.stop(self.running, self.registry, name, dry_run=dry_run)

    def start(self, name: str) -> Any:
        """Start again what was stopped."""
        return steering.start(self.running, self.registry, name)

    def restart(self, name: str) -> Any:
        """Replace its processes by new ones."""
        return steering.restart(self.running, self.registry, name)

    def pause(self, name: str) -> Any:
        """Let a stream, a run or a schedule wait."""
        return steering.pause(self.running, self.registry, name)

    def resume(self, name: str) -> Any:
        """Go on with what was paused, stopped or has failed."""
        return steering.resume(self.running, self.registry, name)

    def open(self, name: str) -> Any:
        """The page of a service or an app, in a browser that is let in."""
        from ..operations.opening import opened

        return opened(self.running, self.registry, name)

    def requests(
        self,
        name: str,
        *,
        since: str | None = None,
        until: str | None = None,
        version: int | None = None,
        failed: bool = False,
        last: int | None = None,
        output: str | None = None,
    ) -> Any:
        """What a service was asked and answered, as a frame."""
        found = request_log.requests(self.running, self.registry, name, since, until, version, last, failed=failed)
        return request_log.written(found, output) if output else found

    def debug(self, name: str, request: str) -> Replay:
        """One logged request, asked again here under its version."""
        from ..operations.debugging import debug

        return debug(self.running, self.registry, name, request)

    def token(self, name: str, *, new: str | None = None, remove: str | None = None, names: bool = False) -> Any:
        """The token that a service asks for, or others by name."""
        return tokens.token(self.running, self.registry, name, new, remove, names=names)

    def dead_letters(self, name: str, *, replay: bool = False, rows: Any = None, discard: bool = False) -> DeadLetters:
        """What a stream could not answer; given to it again with `replay`."""
        from ..operations.letters import dead_letters

        return dead_letters(self.running, name, replay=replay, rows=rows, discard=discard)

    def seek(self, name: str, to: str | int) -> Any:
        """Let a stream read on from another place: `start`, `end`, an offset, a time."""
        return steering.seek(self.running, self.registry, name, str(to))

    def bench(
        self, name: str, *, seconds: float | None = None, connections: int | None = None, rows: int | None = None
    ) -> Bench:
        """Where the time of a service's requests goes, what it can do, and what would help."""
        from ..operations.bench import bench

        return bench(self.running, self.registry, name, seconds, connections, rows)

    def shutdown(self, *, all: bool = False) -> Any:
        """End the supervisor; with `all` what runs first."""
        return steering.shutdown(self.running, stop_all=all)

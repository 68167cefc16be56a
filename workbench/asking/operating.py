"""What is asked of how a model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .home import Home

if TYPE_CHECKING:
    from ..monitoring.explanation import Explanation
    from ..monitoring.quality import Quality


class Operating(Home):
    """What is asked of how a model does."""

    def drift(
        self,
        name: str,
        input: Any = None,
        *,
        since: str | None = None,
        against: Any = None,
        threshold: float | None = None,
        alarms: float | None = None,
        notify: str | None = None,
        every: str | None = None,
        then: str | None = None,
        metrics: str | None = None,
        env_file: str | None = None,
    ) -> Any:
        """Whether what a model is asked, and answers, still looks like its reference; on a cycle with `every`."""
        from ..operations import watching
        from ..operations.drifting import found
        from ..operations.environment import Common
        from ..operations.starting import refuse_idle

        if every is not None:
            common = Common(env_file=env_file, notify=notify)
            how = {"since": since, "against": against, "threshold": threshold, "alarms": alarms}
            return watching.watch(self.running, self.registry, name, input, every, how, common, then, metrics)
        refuse_idle("a cycle, --every", False, then=then, env_file=env_file)
        options = {"against": against, "since": since, "threshold": threshold, "alarms": alarms, "notified": notify}
        seen = found(self.running, self.registry, name, input, **options)
        if metrics:
            watching.write(metrics, name, seen)
        return seen

    def feedback(
        self,
        name: str,
        input: Any = None,
        *,
        outcome: str | None = None,
        key: str | None = None,
        answer: str | None = None,
        every: str | None = None,
        metric: Any = None,
    ) -> Quality:
        """True outcomes of what a service answered, taken in; how good each version is."""
        from ..operations.feedback import feedback

        options = {"outcome": outcome, "key": key, "answer": answer, "every": every, "metric": metric}
        return feedback(self.running, self.registry, name, input, **options)

    def explain(
        self,
        model: str,
        input: Any = None,
        *,
        answer: str | None = None,
        against: Any = None,
        rows: int | None = None,
        env: str | None = None,
    ) -> Explanation:
        """What each column adds to the answers to some rows."""
        from ..operations.explaining import explain

        how = {"answer": answer, "against": against, "most": rows, "own": env == "own"}
        return explain(self.registry, self.home, model, input, **how)

    def learn(
        self,
        model: str,
        input: str | None = None,
        *,
        target: str | None = None,
        every: str | None = None,
        keep: int | None = None,
        most: int | None = None,
        name: str | None = None,
        env_file: str | None = None,
        notify: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Let a model learn from what comes, in the background, and become its own next version."""
        from ..moments import seconds
        from ..operations import learning
        from ..operations.deploy import Deploying
        from ..operations.environment import Common

        spec = {"every": seconds(every) if every else learning.EVERY}
        spec |= {"keep": keep or learning.KEEP, "most": most or learning.MOST}
        deploying, common = Deploying(self.registry, self.running), Common(name, env_file, notify, dry_run)
        return deploying.learn(model, input, target, spec, common)

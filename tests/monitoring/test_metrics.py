"""Figures in a file: written by the processes of a deployment, read by anybody."""

from __future__ import annotations

from pathlib import Path

from workbench.monitoring.metrics import Metrics, read


def test_the_first_process_makes_the_file_that_the_others_share(tmp_path: Path) -> None:
    file = tmp_path / "metrics"
    first, second = (Metrics(file, slot, 2) for slot in (0, 1))
    first.answered(0.001, 200)
    second.answered(0.002, 429)
    second.waits(3)
    for figures in (first.all(), read(file)):
        assert figures
        assert (figures.requests, figures.failures, figures.refused, figures.waiting) == (2, 1, 1, 3)


def test_who_takes_a_slot_over_counts_on_but_waits_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "metrics"
    died = Metrics(file, 0, 1)
    died.answered(0.001, 200)
    died.waits(5)
    died.calls()
    after = Metrics(file, 0, 1).all()
    assert (after.requests, after.waiting, after.calling) == (1, 0, 0)

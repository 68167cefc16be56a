"""What a verb answers -> the card that is made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .card import Card


def card_of(answer: Any) -> Card:
    """The card of a handle, a version or an overview."""
    from .dashboard import DashboardCard
    from .jobs import AppCard, JobCard, RunCard, StreamCard
    from .models import ModelCard
    from .schedules import ScheduleCard
    from .services import ServiceCard

    kinds: dict[str, Any] = {
        "App": AppCard,
        "Learner": JobCard,
        "Service": ServiceCard,
        "Stream": StreamCard,
        "Run": RunCard,
        "Schedule": ScheduleCard,
        "ModelVersion": ModelCard,
        "Overview": DashboardCard,
    }
    made: Card = kinds[type(answer).__name__](answer)
    return made

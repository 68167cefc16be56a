"""What a verb answers -> the card that is made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .card import Card


def card_of(answer: Any) -> Card:
    """The card of a handle, a version, an overview or an interview."""
    from .dashboard import DashboardCard
    from .interview import InterviewCard
    from .jobs import AppCard, JobCard, RunCard
    from .models import ModelCard
    from .schedules import ScheduleCard
    from .services import ServiceCard
    from .streams import StreamCard

    kinds: dict[str, Any] = {
        "App": AppCard,
        "Interview": InterviewCard,
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

"""Demo data."""

from datetime import datetime


def load(*, now: datetime) -> int:
    return 0


def add_attendees(*, event_id: int, number: int, now: datetime) -> None:
    pass

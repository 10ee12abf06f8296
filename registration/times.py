"""What time it is."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import current_app


def now() -> datetime:
    """The present instant, aware; where the configuration has a NOW, what that says."""
    clock = current_app.config.get("NOW")
    instant: datetime = clock() if clock else datetime.now(UTC)
    return instant

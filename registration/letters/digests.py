"""The staff's daily letter: who gave their seat back, and which mails did not arrive."""

from __future__ import annotations

from datetime import date

from flask import current_app
from flask_babel import gettext, ngettext

from registration import wording
from registration.letters.letter import Letter, Link
from registration.models import OutboxMail


def compose(mail: OutboxMail) -> Letter:
    """One paragraph for each event; `facts` hold the numbers of a day, or since which day."""
    events = mail.facts["events"]
    cancelled = sum(item["cancelled"] for item in events)
    failed = sum(item["failed"] for item in events)
    what = _in_words(cancelled, failed)
    subject = gettext("Yesterday: %(what)s", what=what)
    heading = gettext("What happened since yesterday")
    if since := mail.facts.get("since"):
        day = wording.plain_date(date.fromisoformat(since))
        subject = gettext("Since %(day)s: %(what)s", day=day, what=what)
        heading = gettext("What happened since %(day)s", day=day)
    site = current_app.config["BASE_URL"]
    return Letter(
        subject=subject,
        heading=heading,
        paragraphs=[
            gettext(
                "%(title)s: %(what)s.",
                title=wording.isolated(item["title"]),
                what=_in_words(item["cancelled"], item["failed"]),
            )
            for item in events
        ],
        preheader=", ".join(item["title"] for item in events),
        button=Link(gettext("See the mails that failed"), f"{site}/staff/outbox/?state=failed")
        if failed
        else None,
        links=[
            Link(item["title"], f"{site}/staff/events/{item['slug']}/")
            for item in events
            if item["slug"]
        ],
        why=gettext("You get this message because you have an account at the events desk."),
    )


def _in_words(cancelled: int, failed: int) -> str:
    """ "3 cancellations and 1 mail that could not be delivered"."""
    parts = []
    if cancelled:
        parts.append(ngettext("%(num)d cancellation", "%(num)d cancellations", cancelled))
    if failed:
        parts.append(
            ngettext(
                "%(num)d mail that could not be delivered",
                "%(num)d mails that could not be delivered",
                failed,
            )
        )
    return wording.listed(parts)

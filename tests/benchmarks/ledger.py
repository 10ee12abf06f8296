"""What must be true whatever broke: the rows against what was acknowledged, mails against the sink.

Each function gives what is wrong, in words.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update

from registration import doctor
from registration.database import db
from registration.models import AttendanceOption, Event, MailState, OutboxMail, Rsvp
from registration.models.rsvps import LIVE
from tests.benchmarks.mail_server import MailServer
from tests.benchmarks.product import Product

#: Seconds until all mails must have gone, once time has passed for those that wait for it.
_PATIENCE = 150


def problems(product: Product, acknowledged: set[str]) -> list[str]:
    """Every acknowledged RSVP is there once, with a mail; counters fit; nothing is overbooked."""
    with product.app.app_context():
        db.session.rollback()
        db.session.expire_all()
        found = list(_rows(acknowledged))
        db.session.rollback()
    return found


def _rows(acknowledged: set[str]) -> Iterator[str]:
    event_id = db.session.scalars(select(Event.id).where(Event.slug == "rush")).one()
    ours = Rsvp.event_id == event_id
    live = Counter(db.session.scalars(select(Rsvp.email).where(ours, Rsvp.status.in_(LIVE))))
    if missing := acknowledged - live.keys():
        yield f"{len(missing)} acknowledged RSVPs are not there"
    if twice := [email for email, number in live.items() if number > 1]:
        yield f"{len(twice)} addresses have two RSVPs"
    mailed = select(OutboxMail.id).where(OutboxMail.rsvp_id == Rsvp.id).exists()
    if mailless := db.session.scalars(select(Rsvp.id).where(ours, ~mailed)).all():
        yield f"{len(mailless)} RSVPs have no mail"
    for option in db.session.scalars(select(AttendanceOption).order_by(AttendanceOption.id)):
        if option.capacity is not None and option.seats_taken > option.capacity:
            yield f"option {option.id} is overbooked"
    yield from (finding.text for finding in doctor.counters() if not finding.is_fine)


def mail_problems(product: Product, server: MailServer, *, kills: int) -> list[str]:
    """Each mail was taken by the server once, or once more for each of so many kills."""
    with product.app.app_context():
        left = _wait_for_all()
        row = select(OutboxMail.state, OutboxMail.message_id, OutboxMail.recipient)
        written = db.session.execute(row.where(OutboxMail.recipient.like("guest-%"))).all()
        db.session.rollback()
    sent = Counter((number, who) for state, number, who in written if state is MailState.SENT)
    known = {(number, who) for _state, number, who in written}
    given_up = [who for state, _number, who in written if state is MailState.FAILED]
    taken = Counter({key: n for key, n in server.taken().items() if key[1].startswith("guest-")})
    found = []
    if left:
        found.append(f"{left} mails still wait")
    if lost := sent - taken:
        found.append(f"{lost.total()} mails are marked sent and were not taken")
    if strange := taken.keys() - known:
        found.append(f"{len(strange)} mails were repeated under another Message-ID")
    repeats = (taken - sent).total()
    if repeats > kills:
        found.append(f"{repeats} mails were repeated by {kills} kills")
    if given_up:
        found.append(f"{len(given_up)} mails were given up")
    return found


def _wait_for_all() -> int:
    """Let time pass for what a pause or a dead worker's claim keeps; how many wait in the end."""
    waiting = OutboxMail.state == MailState.WAITING
    end = time.monotonic() + _PATIENCE
    while True:
        kept = OutboxMail.due_at > datetime.now(UTC) + timedelta(seconds=20)
        db.session.execute(update(OutboxMail).where(waiting, kept).values(due_at=datetime.now(UTC)))
        db.session.commit()
        left = db.session.scalar(select(func.count()).select_from(OutboxMail).where(waiting)) or 0
        db.session.rollback()
        if not left or time.monotonic() > end:
            return left
        time.sleep(1)

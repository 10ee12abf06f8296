"""What an operator wants to know is right: settings, schema, accounts, counters, mail, worker."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import case, func, select
from sqlalchemy.exc import DBAPIError

from registration import inbox, outbox, retention
from registration.database import db, in_words
from registration.models import (
    LIVE,
    AttendanceOption,
    Attendee,
    Door,
    Event,
    InvitationCode,
    Role,
    Rsvp,
    RsvpStatus,
    SearchWord,
    Staff,
    StaffRole,
)
from registration.settings import DEVELOPMENT_KEY, Settings
from registration.smtp import Line, Server, Unreachable

#: How late an erasure may be before something is wrong.
_PATIENCE = timedelta(days=1)
#: Settings that have a value for the demo, which no other house wants to show.
_OF_THE_DEMO = ("ORGANISATION_NAME", "ORGANISATION_ADDRESS", "CONTACT_EMAIL", "CALENDAR_ADDRESS")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in words, and whether it is as it should be."""

    is_fine: bool
    text: str


def examine(*, now: datetime) -> list[Finding]:
    """Look at everything, as far as the schema allows; changes nothing."""
    first = [*_settings(), *_folder(), *_server(), *_mailbox(), *_schema()]
    try:
        return [*first, *_accounts(), *counters(), *_erasures(now), *_mail(now)]
    except DBAPIError:
        if all(finding.is_fine for finding in first):
            raise
        return first


def _settings() -> Iterator[Finding]:
    config = current_app.config
    if config["SECRET_KEY"] == DEVELOPMENT_KEY:
        yield Finding(
            not config["PRODUCTION"],
            "SECRET_KEY is the development key: fine for trying, never in production",
        )
    if config["PRODUCTION"] and not config["BASE_URL"].startswith("https://"):
        yield Finding(False, "BASE_URL does not begin with https://")
    for name in _OF_THE_DEMO if config["PRODUCTION"] else ():
        if config[name] == Settings.model_fields[name.lower()].default:
            yield Finding(False, f"{name} is the demo's: set your own")
    if config["BASE_URL"].startswith("https://") and not config["TRUSTED_PROXIES"]:
        yield Finding(
            False,
            "TRUSTED_PROXIES is 0, though a proxy must speak TLS for us: all visitors seem to come "
            "from its address, and share its limits",
        )
    yield Finding(True, f"the site's address is {config['BASE_URL']}")


def _folder() -> Iterator[Finding]:
    folder = Path(current_app.config["UPLOAD_FOLDER"])
    # It is made with its first picture.
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            yield Finding(True, f"pictures can be written to {folder}")
    except OSError as problem:
        yield Finding(False, f"UPLOAD_FOLDER: {there} cannot be written: {problem.strerror}")


def _server() -> Iterator[Finding]:
    server = Server.of(current_app.config)
    if not server.host:
        return
    line = Line(server)
    try:
        line.greet()
        yield Finding(True, f"the mail server {server.host}:{server.port} lets us in")
    except Unreachable as problem:
        yield Finding(False, f"the mail server {server.host}:{server.port}: {problem}")
    finally:
        line.close()


def _mailbox() -> Iterator[Finding]:
    url, authserv = current_app.config["INBOX_URL"], current_app.config["INBOX_AUTHSERV"]
    if not url:
        return
    try:
        signers = inbox.look(url, ca_file=current_app.config["MAIL_CA_FILE"])
    except inbox.MailboxClosed as problem:
        yield Finding(False, f"the mailbox of INBOX_URL: {problem}")
        return
    yield Finding(True, "the mailbox of INBOX_URL can be read")
    if not authserv:
        yield Finding(False, "INBOX_AUTHSERV is not set: anybody can decline for another")
    elif signers and authserv.lower() not in signers:
        yield Finding(
            False,
            f"INBOX_AUTHSERV is {authserv}, but mails there are signed by "
            f"{', '.join(sorted(signers))}: what fails DMARC counts",
        )


def _schema() -> Iterator[Finding]:
    folder = current_app.extensions["migrate"].directory
    wanted = set(ScriptDirectory(folder).get_heads())
    try:
        with db.engine.connect() as connection:
            present = set(MigrationContext.configure(connection).get_current_heads())
    except DBAPIError as problem:
        yield Finding(False, in_words(problem) or str(problem.orig))
        return
    yield Finding(
        wanted == present,
        f"the database ({db.engine.dialect.name}) is at migration {', '.join(present) or 'none'}"
        + ("" if wanted == present else "; run: flask --app app db upgrade"),
    )


def _accounts() -> Iterator[Finding]:
    admin = select(Staff.id).join(Staff.roles).where(Role.name == StaffRole.ADMIN, Staff.active)
    if db.session.scalar(admin.limit(1)) is None:
        yield Finding(
            not current_app.config["PRODUCTION"],
            "no account can administer: make one with flask --app app staff add EMAIL --role admin",
        )


def counters() -> list[Finding]:
    """Compare what is counted or indexed with its rows; one finding for each that differs."""
    wrong = [*_seats(), *_queues(), *_parties(), *_codes(), *_words(), *_doors()]
    return wrong or [Finding(True, "counters and words to search by equal their rows")]


def _seats() -> Iterator[Finding]:
    held = func.coalesce(func.sum(Rsvp.seats_held), 0)
    rows = db.session.execute(
        select(Event.slug, AttendanceOption.id, AttendanceOption.seats_taken, held)
        .select_from(AttendanceOption)
        .join(Event, Event.id == AttendanceOption.event_id)
        .outerjoin(Rsvp, Rsvp.option_id == AttendanceOption.id)
        .group_by(Event.slug, AttendanceOption.id, AttendanceOption.seats_taken)
        .having(AttendanceOption.seats_taken != held)
    )
    for slug, option_id, counted, found in rows:
        yield Finding(
            False, f"{slug}, option {option_id}: {counted} seats counted, {found} held by RSVPs"
        )


def _queues() -> Iterator[Finding]:
    found_waiting = func.count(Rsvp.id)
    rows = db.session.execute(
        select(Event.slug, AttendanceOption.id, AttendanceOption.waiting, found_waiting)
        .select_from(AttendanceOption)
        .join(Event, Event.id == AttendanceOption.event_id)
        .outerjoin(Rsvp, Rsvp.waits_for_option_id == AttendanceOption.id)
        .group_by(Event.slug, AttendanceOption.id, AttendanceOption.waiting)
        .having(AttendanceOption.waiting != found_waiting)
    )
    for slug, option_id, counted, found in rows:
        yield Finding(
            False, f"{slug}, option {option_id}: {counted} parties counted as waiting, {found} wait"
        )


def _parties() -> Iterator[Finding]:
    people = func.count(Attendee.id)
    rows = db.session.execute(
        select(Rsvp.id, Rsvp.party_size, people)
        .outerjoin(Attendee, Attendee.rsvp_id == Rsvp.id)
        .where(Rsvp.status == RsvpStatus.CONFIRMED)
        .group_by(Rsvp.id, Rsvp.party_size)
        .having(Rsvp.party_size != people)
        .limit(20)
    )
    for rsvp_id, counted, found in rows:
        yield Finding(False, f"RSVP {rsvp_id}: a party of {counted} with {found} attendees")


def _codes() -> Iterator[Finding]:
    used = func.coalesce(func.sum(case((Rsvp.status.in_(LIVE), 1), else_=0)), 0)
    rows = db.session.execute(
        select(InvitationCode.code, InvitationCode.uses, used)
        .outerjoin(Rsvp, Rsvp.code_id == InvitationCode.id)
        .group_by(InvitationCode.id, InvitationCode.code, InvitationCode.uses)
        .having(InvitationCode.uses != used)
    )
    for code, counted, found in rows:
        yield Finding(False, f"code {code}: {counted} uses counted, {found} live RSVPs")


def _words() -> Iterator[Finding]:
    found = (
        select(SearchWord.event_id, func.count(SearchWord.rsvp_id.distinct()).label("number"))
        .where(SearchWord.position == 0)
        .group_by(SearchWord.event_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Event.slug, func.count(Rsvp.id), func.coalesce(found.c.number, 0))
        .join(Rsvp, (Rsvp.event_id == Event.id) & Rsvp.erased_at.is_(None))
        .outerjoin(found, found.c.event_id == Event.id)
        .group_by(Event.slug, found.c.number)
        .having(func.count(Rsvp.id) != func.coalesce(found.c.number, 0))
    )
    for slug, counted, number in rows:
        yield Finding(False, f"{slug}: {counted} RSVPs, of which the search finds {number}")


def _doors() -> Iterator[Finding]:
    inside = func.count(Attendee.checked_in_at)
    counted = func.coalesce(Door.inside, 0)
    rows = db.session.execute(
        select(Event.slug, counted, inside)
        .join(Rsvp, Rsvp.event_id == Event.id)
        .join(Attendee, Attendee.rsvp_id == Rsvp.id)
        .outerjoin(Door, Door.event_id == Event.id)
        .group_by(Event.slug, Door.inside)
        .having(counted != inside)
    )
    for slug, number, found in rows:
        yield Finding(False, f"{slug}: {number} counted at the door, {found} are in")


def _erasures(now: datetime) -> Iterator[Finding]:
    if late := retention.overdue(now=now - _PATIENCE):
        yield Finding(
            False,
            f"{late} erasures of events' data are a day late: start a worker, "
            "or run: flask --app app purge",
        )


def _mail(now: datetime) -> Iterator[Finding]:
    trouble = outbox.trouble(now)
    yield {
        None: Finding(True, "mail is delivered"),
        "no_server": Finding(
            not current_app.config["PRODUCTION"],
            "no MAIL_SERVER is set: mails wait in the outbox, where staff can read them",
        ),
        "stale": Finding(
            False, "no worker has been heard of: start one with flask --app app worker"
        ),
        "failing": Finding(False, "mails have waited for ten minutes: see the staff's outbox"),
        "refused": Finding(
            False, "the mail server has refused the last mails for good: see the staff's outbox"
        ),
    }[trouble]

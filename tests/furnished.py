"""A house in which everything is there once, so that each of its addresses opens."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import Rule

from registration import imports, keys, mailings, sheets, speakers
from registration.database import db
from registration.models import Attendee, ImportKind, MailKind, OutboxMail, Staff, StaffRole
from registration.segments import Segment
from registration.web import photos
from tests.conftest import NOW
from tests.factories import make_hybrid, make_rsvp, make_speaker, make_staff
from tests.pictures import picture

#: What stands for the parts of addresses: by the first part of the endpoint, and for all.
Values = dict[str, dict[str, object]]


def furnish(account: Staff) -> Values:
    """Make one of each thing; what is a person's own is `account`'s."""
    room, stream = make_hybrid()
    event = room.event
    rsvp, watcher = make_rsvp(room), make_rsvp(stream)
    speaker = make_speaker(event)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    mail = db.session.query(OutboxMail).filter_by(kind=MailKind.CONFIRMED).first()
    ticket = db.session.query(Attendee).first()
    assert mail is not None
    assert ticket is not None
    by = {"event_id": event.id, "staff_id": account.id, "now": NOW}
    mailing = mailings.write(subject="The way in", body="Hello", segment=Segment(), **by)
    sheet = sheets.read(b"Name,Email\nAmina Example,amina@example.org\n", "list.csv")
    pending = imports.keep(kind=ImportKind.RSVPS, sheet=sheet, file_name="list.csv", **by)
    media = photos.save(picture())
    return {
        "": {
            "slug": event.slug,
            "rsvp_id": rsvp.id,
            "speaker_id": speaker.id,
            "mail_id": mail.id,
            "mailing_id": mailing.id,
            "import_id": pending.id,
            "account_id": make_staff(StaffRole.ORGANISER).id,
            "format": "csv",
            "hue": 10,
            "code": ticket.ticket_code,
        },
        "rsvps": {"key": rsvp.manage_key},
        "tickets": {"key": rsvp.manage_key},
        "editing": {"key": rsvp.manage_key},
        "erasing": {"key": rsvp.manage_key},
        "lobby": {"key": watcher.join_key},
        "speakers": {"key": speaker.key},
        "unsubscribe": {"key": keys.unsubscribe_key(rsvp)},
        "pages": {"name": media},
        "static": {"filename": "css/base.css"},
        "staff_editor": {"name": "basics"},
        "staff_mails": {"name": "confirmed"},
    }


def address(app: Flask, rule: Rule, everything: Values) -> str:
    """The address of a rule in a furnished house."""
    values = everything[""] | everything.get(rule.endpoint.partition(".")[0], {})
    arguments = {name: values.get(name, "1") for name in rule.arguments}
    adapter = app.url_map.bind("events.example.org")
    try:
        return adapter.build(rule.endpoint, arguments)
    except ValueError:
        return adapter.build(rule.endpoint, {name: values.get(name, 1) for name in rule.arguments})

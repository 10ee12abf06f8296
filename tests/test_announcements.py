"""A change or a cancellation told to everybody: once, to whom it concerns, when the hold ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import icalendar
import pytest
from flask import Flask
from sqlalchemy import func, select, update

from registration import (
    announcements,
    approvals,
    clock,
    delivery,
    departures,
    erasure,
    events,
    lifecycle,
    links,
    outbox,
    programme,
    rendering,
    revisions,
    rsvps,
    speakers,
    wording,
)
from registration.announcements import spread, undo
from registration.claims import Notes
from registration.database import db
from registration.models import (
    HOLD,
    Announcement,
    AnnouncementState,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    MailKind,
    MailState,
    OutboxMail,
)
from registration.news import news_of
from registration.revisions import EventRefused
from tests.conftest import NOW
from tests.factories import (
    details,
    make_event,
    make_hybrid,
    make_option,
    make_rsvp,
    make_speaker,
    make_staff,
    reschedule,
)

AFTER_HOLD = NOW + timedelta(minutes=11)
DAY = timedelta(days=1)


def mails(kind: MailKind, **about: object) -> list[OutboxMail]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(OutboxMail)
            .filter_by(kind=kind, **about)
            .order_by(OutboxMail.rsvp_id, OutboxMail.id)
            .execution_options(populate_existing=True)
        )
    )


def edit(event: Event, *, tell: bool = True, now: datetime = NOW, **changes: object) -> None:
    seen = revisions.fingerprint(events.values_of(event, list(changes)))
    events.edit(event_id=event.id, changes=changes, seen=seen, staff_id=None, now=now, tell=tell)
    db.session.refresh(event)


def move(event: Event, by: timedelta = DAY, **more: object) -> None:
    edit(event, starts_at=event.starts_at + by, ends_at=event.ends_at + by, **more)


def all_have_gone() -> None:
    db.session.execute(update(OutboxMail).values(state=MailState.SENT))
    db.session.commit()


def edit_option(option: AttendanceOption, **changes: object) -> None:
    for name, value in changes.items():
        setattr(option, name, value)
    db.session.commit()


def vevent(mail: OutboxMail) -> icalendar.Event:
    calendar = rendering.render(mail, now=AFTER_HOLD).calendar
    assert calendar is not None
    return icalendar.Calendar.from_ical(calendar).walk("VEVENT")[0]


def test_an_event_that_moves_moves_in_every_calendar_once(app: Flask) -> None:
    room, stream = make_hybrid()
    event = room.event
    seated, watching = make_rsvp(room), make_rsvp(stream)
    move(event)
    assert mails(MailKind.EVENT_CHANGED) == []  # held
    assert spread(now=NOW) == 0
    assert spread(now=AFTER_HOLD) == 2
    written = mails(MailKind.EVENT_CHANGED)
    assert [mail.rsvp_id for mail in written] == [seated.id, watching.id]
    for mail in written:
        entry = vevent(mail)
        assert (entry["SEQUENCE"], entry["DTSTART"].dt) == (1, event.starts_at)
    assert spread(now=AFTER_HOLD + DAY) == 0
    assert len(mails(MailKind.EVENT_CHANGED)) == 2


def test_only_who_has_one_of_so_many_seats_hears_that_somebody_may_wait(app: Flask) -> None:
    room, stream = make_hybrid()
    seated, watching = make_rsvp(room).id, make_rsvp(stream).id
    move(room.event)
    spread(now=AFTER_HOLD)
    for rsvp_id, is_said in ((seated, True), (watching, False)):
        (mail,) = mails(MailKind.EVENT_CHANGED, rsvp_id=rsvp_id)
        said = " ".join(rendering.render(mail, now=AFTER_HOLD).body.split())
        assert ("somebody may be waiting" in said) is is_said


def test_the_log_says_that_a_change_was_told_and_to_how_many_however_it_was(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    move(room.event, tell=False)
    announcements.tell(event_id=room.event_id, staff_id=None, now=NOW)
    entries = db.session.scalars(select(AuditEntry).filter_by(action="event.announced")).all()
    assert [entry.detail for entry in entries] == 2 * [{"attendees": 1, "speakers": 0}]


def test_an_entry_says_that_it_was_changed_with_the_event(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    moved_at = NOW + timedelta(hours=3)
    speakers.invite(speaker_id=make_speaker(room.event).id, staff_id=None, now=NOW)
    all_have_gone()
    move(room.event, now=moved_at)
    spread(now=moved_at + HOLD)
    for kind in (MailKind.EVENT_CHANGED, MailKind.SPEAKER_CHANGED):
        [mail] = mails(kind)
        assert vevent(mail)["LAST-MODIFIED"].dt == moved_at


def test_the_mail_says_what_was_and_what_is(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    edit(room.event, title="Another title", venue_name="The Annex")
    spread(now=AFTER_HOLD)
    text = rendering.render(mails(MailKind.EVENT_CHANGED)[0], now=AFTER_HOLD).body
    joined = " ".join(text.split())
    assert "The Institute, 1 Example Street, Washington, DC → The Annex, 1 Example" in joined
    assert "→ Another title" in joined


def test_the_mail_says_who_holds_it_now_and_what_the_same_hours_are_called_in_another_zone(
    app: Flask,
) -> None:
    room, stream = make_hybrid()
    make_rsvp(stream)
    edit(room.event, host="The Centre", time_zone="Europe/Paris")
    spread(now=AFTER_HOLD)
    text = rendering.render(mails(MailKind.EVENT_CHANGED)[0], now=AFTER_HOLD).body
    joined = " ".join(text.split())
    assert f"Who holds it: {app.config['ORGANISATION_NAME']} → The Centre" in joined
    assert "10:00–11:30 a.m. EST → Sunday 6 December 2026, 4:00–5:30 p.m. CET" in joined


def test_a_venue_that_moves_is_no_news_to_those_who_watch(app: Flask) -> None:
    room, stream = make_hybrid()
    seated, watching = make_rsvp(room), make_rsvp(stream)
    edit(room.event, venue_name="The Annex")
    spread(now=AFTER_HOLD)
    assert [mail.rsvp_id for mail in mails(MailKind.EVENT_CHANGED)] == [seated.id]
    all_have_gone()
    edit(room.event, stream_note="With captions", now=AFTER_HOLD)
    spread(now=AFTER_HOLD + DAY)
    assert [mail.rsvp_id for mail in mails(MailKind.EVENT_CHANGED)] == [seated.id, watching.id]


def test_each_way_to_attend_reads_in_words_what_is_new_for_it(app: Flask) -> None:
    room, stream = make_hybrid(time_zone="UTC", doors_at=None, stream_note="In English")
    seated, watching = make_rsvp(room), make_rsvp(stream)
    edit(
        room.event,
        doors_at=room.event.starts_at - timedelta(minutes=30),
        venue_access="No step at the door\nA lift",
        stream_note="With captions",
        lobby_opens_minutes=25,
    )
    spread(now=AFTER_HOLD)
    told = {
        mail.rsvp_id: rendering.render(mail, now=AFTER_HOLD).body
        for mail in mails(MailKind.EVENT_CHANGED)
    }
    of_the_room = [f"Doors open: – → {wording.clock(room.event.doors_at, room.event.zone)}"]
    of_the_room.append("Access: No step at the door; A lift")
    of_the_stream = ["Stream: In English → With captions"]
    opens_at = wording.clock(room.event.lobby_opens_at, room.event.zone)
    of_the_stream.append(f"Your room opens at {opens_at}.")
    for rsvp, own, others in (
        (seated, of_the_room, of_the_stream),
        (watching, of_the_stream, of_the_room),
    ):
        assert [line in told[rsvp.id] for line in own + others] == [True, True, False, False]


def test_a_new_description_is_told_to_nobody(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    edit(room.event, description="More words")
    assert db.session.scalar(select(func.count()).select_from(Announcement)) == 0


def test_a_change_that_is_not_told_is_told_with_the_next_one(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    before = room.event.starts_at
    move(room.event, tell=False)
    assert spread(now=AFTER_HOLD) == 0
    edit(room.event, venue_name="The Annex")
    spread(now=AFTER_HOLD)
    [mail] = mails(MailKind.EVENT_CHANGED)
    assert mail.facts["before"]["starts_at"] == before.isoformat()
    assert set(mail.facts["changed"]) == {"starts_at", "ends_at", "venue"}


def test_who_came_after_the_change_is_not_told_of_it(app: Flask) -> None:
    room, _stream = make_hybrid()
    early = make_rsvp(room)
    move(room.event)
    make_rsvp(room)
    spread(now=AFTER_HOLD)
    assert [mail.rsvp_id for mail in mails(MailKind.EVENT_CHANGED)] == [early.id]


def test_a_later_change_within_the_hold_is_the_one_that_is_told(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    was = room.event.starts_at
    move(room.event)
    move(room.event, now=NOW + timedelta(minutes=5))
    assert spread(now=AFTER_HOLD) == 0
    spread(now=NOW + timedelta(minutes=16))
    [mail] = mails(MailKind.EVENT_CHANGED)
    assert mail.facts["before"]["starts_at"] == was.isoformat()
    assert vevent(mail)["DTSTART"].dt == was + 2 * DAY


def test_a_change_taken_back_within_the_hold_is_told_to_nobody(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    move(room.event, -DAY, now=NOW + timedelta(minutes=5))
    spread(now=AFTER_HOLD + DAY)
    assert mails(MailKind.EVENT_CHANGED) == []


def test_a_mail_that_has_not_gone_gives_way_to_the_next_change(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    was = room.event.starts_at
    move(room.event)
    spread(now=AFTER_HOLD)
    move(room.event, now=AFTER_HOLD)
    spread(now=AFTER_HOLD + DAY)
    first, second = mails(MailKind.EVENT_CHANGED)
    assert first.state is MailState.SUPERSEDED
    assert second.facts["before"]["starts_at"] == was.isoformat()
    assert vevent(second)["SEQUENCE"] == 2


def test_a_telling_can_be_taken_back_while_it_is_held(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    held = db.session.scalars(select(Announcement)).one()
    assert undo(announcement_id=held.id, staff_id=None, now=NOW + timedelta(minutes=9))
    assert spread(now=AFTER_HOLD) == 0
    assert announcements.tell(event_id=room.event_id, staff_id=None, now=AFTER_HOLD)
    spread(now=AFTER_HOLD + DAY)
    assert len(mails(MailKind.EVENT_CHANGED)) == 1


def test_an_old_mail_that_goes_again_keeps_no_calendar_from_the_news(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    [confirmed] = mails(MailKind.CONFIRMED)
    move(room.event)
    spread(now=AFTER_HOLD)
    all_have_gone()
    confirmed.state = MailState.FAILED
    db.session.commit()
    move(room.event, now=AFTER_HOLD)
    assert outbox.resend(mail_id=confirmed.id, staff_id=None, now=AFTER_HOLD)
    with Notes() as notes:
        # It says how the event is by now, under a SEQUENCE that their calendar is past.
        [(_mail_id, message)] = departures.rendered([confirmed.id], notes, AFTER_HOLD)
        assert message is not None
    spread(now=AFTER_HOLD + HOLD)
    assert len(mails(MailKind.EVENT_CHANGED)) == 2


def test_a_telling_cannot_be_taken_back_after_the_hold(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    held = db.session.scalars(select(Announcement)).one()
    assert not undo(announcement_id=held.id, staff_id=None, now=AFTER_HOLD)
    assert spread(now=AFTER_HOLD) == 1
    assert not undo(announcement_id=held.id, staff_id=None, now=NOW)


def test_nobody_is_told_twice_when_there_is_nothing_new(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    spread(now=AFTER_HOLD)
    assert not announcements.tell(event_id=room.event_id, staff_id=None, now=AFTER_HOLD)


def test_nobody_is_told_once_the_event_is_over(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    held = db.session.scalars(select(Announcement)).one()
    assert undo(announcement_id=held.id, staff_id=None, now=NOW)
    by_staff = {"event_id": room.event_id, "staff_id": None}
    with pytest.raises(EventRefused, match="is over"):
        announcements.tell(**by_staff, now=room.event.ends_at)
    assert announcements.tell(**by_staff, now=room.event.ends_at - timedelta(seconds=1))


def test_a_telling_that_is_held_when_the_event_ends_is_told_to_nobody(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    invited = make_speaker(room.event)
    speakers.invite(speaker_id=invited.id, staff_id=None, now=NOW)
    all_have_gone()
    ends_at = room.event.ends_at
    edit(room.event, venue_name="The Annex", now=ends_at - timedelta(minutes=1))
    spread(now=ends_at + HOLD)
    assert mails(MailKind.EVENT_CHANGED) == mails(MailKind.SPEAKER_CHANGED) == []
    telling = db.session.scalars(select(Announcement)).one()
    assert telling.state is AnnouncementState.SUPERSEDED


def test_a_cancellation_that_is_held_when_the_event_would_end_is_told(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    ends_at = room.event.ends_at
    about = {"event_id": room.event_id, "reason": "", "staff_id": None}
    lifecycle.cancel(**about, now=ends_at - timedelta(minutes=1))
    spread(now=ends_at + HOLD)
    assert len(mails(MailKind.EVENT_CANCELLED)) == 1


def test_a_mail_of_a_change_that_still_waits_when_the_event_ends_does_not_go(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    all_have_gone()
    edit(room.event, venue_name="The Annex")
    spread(now=AFTER_HOLD)
    (mail,) = mails(MailKind.EVENT_CHANGED)
    with Notes() as notes:
        before = departures.rendered([mail.id], notes, AFTER_HOLD)
        after = departures.rendered([mail.id], notes, room.event.ends_at)
    assert [bool(message) for _id, message in [*before, *after]] == [True, False]


def test_who_has_cancelled_is_not_mailed(app: Flask) -> None:
    room, stream = make_hybrid()
    seated = make_rsvp(room)
    gone = make_rsvp(stream)
    rsvps.cancel(rsvp_id=gone.id, now=NOW, by="attendee")
    move(room.event)
    spread(now=AFTER_HOLD)
    assert [mail.rsvp_id for mail in mails(MailKind.EVENT_CHANGED)] == [seated.id]


# Those without an entry in a calendar


def said(mail: OutboxMail) -> str:
    return " ".join(rendering.render(mail, now=AFTER_HOLD).body.split())


def test_who_waits_for_a_seat_learns_of_a_move_without_an_entry(app: Flask) -> None:
    room, _stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waits = make_rsvp(room)
    move(room.event, venue_name="The Annex")
    assert db.session.scalars(select(Announcement)).one().attendees == 2
    assert spread(now=AFTER_HOLD) == 2
    [mail] = mails(MailKind.EVENT_CHANGED, rsvp_id=waits.id)
    assert (mail.ical_sequence, rendering.render(mail, now=AFTER_HOLD).calendar) == (None, None)
    text = said(mail)
    assert "→ The Annex" in text
    assert "You keep your position in the queue." in text
    assert "calendar follows" not in text
    assert "Your seat stays" not in text
    db.session.refresh(waits)
    assert (waits.ical_sequence, waits.told_edition) == (-1, room.event.edition)
    assert not announcements.tell(event_id=room.event_id, staff_id=None, now=AFTER_HOLD)


def test_who_is_to_be_approved_learns_of_a_move_without_an_entry(app: Flask) -> None:
    room, _stream = make_hybrid()
    edit_option(room, needs_approval=True)
    pending = make_rsvp(room)
    move(room.event)
    spread(now=AFTER_HOLD)
    [mail] = mails(MailKind.EVENT_CHANGED)
    assert (mail.rsvp_id, mail.ical_sequence) == (pending.id, None)
    assert "The organisers have your RSVP" in said(mail)


def test_who_came_to_wait_after_a_change_is_not_told_of_it(app: Flask) -> None:
    room, _stream = make_hybrid(capacity=1)
    seated = make_rsvp(room)
    move(room.event)
    make_rsvp(room)  # waits
    spread(now=AFTER_HOLD)
    assert [mail.rsvp_id for mail in mails(MailKind.EVENT_CHANGED)] == [seated.id]


def test_what_stands_in_entries_alone_is_no_news_to_who_has_none(app: Flask) -> None:
    room, _stream = make_hybrid(capacity=1)
    seated = make_rsvp(room)
    make_rsvp(room)  # waits
    edit(room.event, venue_access="Ring the bell")
    spread(now=AFTER_HOLD)
    assert [mail.rsvp_id for mail in mails(MailKind.EVENT_CHANGED)] == [seated.id]


def test_who_has_a_seat_and_no_entry_learns_of_a_move_too(app: Flask) -> None:
    room, _stream = make_hybrid()
    silent = make_rsvp(room)  # as from a list that was taken in without mails
    silent.ical_sequence = -1
    db.session.commit()
    move(room.event)
    spread(now=AFTER_HOLD)
    [mail] = mails(MailKind.EVENT_CHANGED)
    assert rendering.render(mail, now=AFTER_HOLD).calendar is None
    assert "ticket stays the same" in said(mail)
    assert "calendar follows" not in said(mail)


def test_who_gets_a_seat_meanwhile_has_the_ticket_instead(app: Flask) -> None:
    room, _stream = make_hybrid(capacity=1)
    seated, waits = make_rsvp(room), make_rsvp(room)
    move(room.event)
    spread(now=AFTER_HOLD)
    rsvps.cancel(rsvp_id=seated.id, now=AFTER_HOLD, by="attendee")
    [mail] = mails(MailKind.EVENT_CHANGED, rsvp_id=waits.id)
    assert mail.state is MailState.SUPERSEDED
    [promoted] = mails(MailKind.PROMOTED, rsvp_id=waits.id)
    assert (vevent(promoted)["SEQUENCE"], vevent(promoted)["DTSTART"].dt) == (
        0,
        room.event.starts_at,
    )


WAS, IS_NOW = "When: Sunday 6 December 2026", "→ Monday 7 December 2026"


def told_by(mail: OutboxMail) -> str:
    return " ".join(rendering.render(mail, now=AFTER_HOLD).body.split())


@pytest.mark.parametrize("at", [NOW, AFTER_HOLD], ids=["while it is held", "before it has gone"])
def test_who_gets_a_seat_is_told_that_it_is_for_another_day(app: Flask, at: datetime) -> None:
    room, stream = make_hybrid(capacity=2, guests_max=1)
    seated = make_rsvp(room, guests=["Ada"])
    waits = make_rsvp(room, guests=["Bo"], meanwhile_option_id=stream.id)
    all_have_gone()
    move(room.event)
    spread(now=at)
    rsvps.cancel(rsvp_id=seated.id, now=at)
    rsvps.edit(  # and while that has not gone, a name is mended
        rsvp_id=waits.id, now=at, details=details(name="Amina", email=waits.email)
    )
    spread(now=AFTER_HOLD)
    [promoted], [going] = (
        mails(kind, rsvp_id=waits.id) for kind in (MailKind.PROMOTED, MailKind.CHANGED)
    )
    for mail in (promoted, going):
        assert WAS in told_by(mail)
        assert IS_NOW in told_by(mail)


def test_who_is_let_in_or_sent_the_mail_again_is_told_of_another_day(app: Flask) -> None:
    event = make_event()
    room, press = make_option(event), make_option(event, needs_approval=True)
    seated, pending = make_rsvp(room), make_rsvp(press)
    all_have_gone()
    move(event, tell=False)
    approvals.approve(rsvp_ids=[pending.id], staff_id=make_staff().id, now=NOW)
    links.resend(rsvp_id=seated.id, now=NOW, staff_id=None)
    newcomer = make_rsvp(room)
    all_have_gone()
    for rsvp in (pending, seated):
        [mail] = mails(MailKind.CONFIRMED, rsvp_id=rsvp.id)[-1:]
        assert (WAS in told_by(mail), IS_NOW in told_by(mail)) == (True, True)
    links.resend(rsvp_id=seated.id, now=NOW, staff_id=None)
    for rsvp in (newcomer, seated):
        assert "When:" not in told_by(mails(MailKind.CONFIRMED, rsvp_id=rsvp.id)[-1])


def test_an_event_where_all_wait_is_told_too(app: Flask) -> None:
    room, _stream = make_hybrid()
    edit_option(room, needs_approval=True)
    make_rsvp(room)
    move(room.event, tell=False)
    assert not news_of(room.event, now=NOW).is_empty
    assert announcements.tell(event_id=room.event_id, staff_id=None, now=NOW)


def test_the_events_of_others_stay_as_they_are(app: Flask) -> None:
    room, _stream = make_hybrid()
    other, _other_stream = make_hybrid()
    stranger = make_rsvp(other)
    make_rsvp(room)
    move(room.event)
    spread(now=AFTER_HOLD)
    db.session.refresh(stranger)
    assert stranger.ical_sequence == 0
    assert mails(MailKind.EVENT_CHANGED, rsvp_id=stranger.id) == []


def test_an_assistant_has_a_copy_without_the_entry(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room, booked_by_name="Office", booked_by_email="office@example.org")
    move(room.event)
    spread(now=AFTER_HOLD)
    by_address = {mail.recipient: mail for mail in mails(MailKind.EVENT_CHANGED)}
    assert by_address["office@example.org"].ical_sequence is None
    assert len(by_address) == 2
    rendering.render(by_address["office@example.org"], now=AFTER_HOLD).as_bytes()
    lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=AFTER_HOLD)
    spread(now=AFTER_HOLD + HOLD)
    by_address = {mail.recipient: mail for mail in mails(MailKind.EVENT_CANCELLED)}
    assert by_address["office@example.org"].ical_sequence is None
    assert by_address["office@example.org"].facts["copy"]
    assert len(by_address) == 2


def test_a_large_event_is_told_chunk_by_chunk(app: Flask, monkeypatch) -> None:
    monkeypatch.setattr(announcements, "FIRST_CHUNK", 3)
    room, _stream = make_hybrid(capacity=None)
    for _ in range(7):
        make_rsvp(room)
    move(room.event)
    assert spread(now=AFTER_HOLD) == 7
    assert len(mails(MailKind.EVENT_CHANGED)) == 7
    told = db.session.scalars(select(Announcement)).one()
    assert (told.state, told.attendees) == (AnnouncementState.SENT, 7)


def test_a_chunk_is_as_large_as_others_can_wait_for(app: Flask) -> None:
    assert announcements.next_size(500, held=announcements.TURN) == 500
    assert announcements.next_size(500, held=announcements.TURN * 5) == 100
    assert announcements.next_size(500, held=0.0) == 1_000, "it never more than doubles"
    assert announcements.next_size(2, held=60.0) == announcements.MIN_CHUNK


def test_each_is_told_what_they_were_told_before(app: Flask) -> None:
    room, stream = make_hybrid()
    first = [make_rsvp(room), make_rsvp(stream)]
    was = room.event.starts_at
    move(room.event, tell=False)
    second = [make_rsvp(room), make_rsvp(stream)]
    edit(room.event, venue_name="The Annex", tell=False)
    third = [make_rsvp(room), make_rsvp(stream)]
    assert announcements.tell(event_id=room.event_id, staff_id=None, now=NOW)
    assert spread(now=AFTER_HOLD) == 6
    told = {mail.rsvp_id: mail for mail in mails(MailKind.EVENT_CHANGED)}
    assert told.keys() == {first[0].id, first[1].id, second[0].id}, third
    changed = [set(told[rsvp.id].facts["changed"]) for rsvp in (*first, second[0])]
    span = {"starts_at", "ends_at"}
    assert changed == [span | {"venue"}, span, {"venue"}]
    assert told[first[0].id].facts["before"]["starts_at"] == was.isoformat()
    assert told[second[0].id].facts["before"]["starts_at"] == (was + DAY).isoformat()
    assert not announcements.tell(event_id=room.event_id, staff_id=None, now=AFTER_HOLD)


def between_chunks(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> None:
    """Do something after each transaction of a telling, which looks at one RSVP then."""
    monkeypatch.setattr(announcements, "FIRST_CHUNK", 1)
    monkeypatch.setattr(announcements, "next_size", lambda size, held: 1)
    chunk, waiting = announcements._spread_chunk, iter(acts)

    def with_others(*arguments: Any) -> tuple[int, float]:
        done = chunk(*arguments)
        next(waiting, lambda: None)()
        return done

    monkeypatch.setattr(announcements, "_spread_chunk", with_others)


def test_who_cancels_while_others_are_told_is_told_of_that_alone(app: Flask, monkeypatch) -> None:
    room, _stream = make_hybrid()
    told, untold, stays = (make_rsvp(room) for _ in range(3))
    move(room.event)

    def both_cancel() -> None:
        for rsvp in (told, untold):
            rsvps.cancel(rsvp_id=rsvp.id, now=AFTER_HOLD, by="attendee")

    between_chunks(monkeypatch, both_cancel)
    assert spread(now=AFTER_HOLD) == 3
    changed = {mail.rsvp_id: mail.state for mail in mails(MailKind.EVENT_CHANGED)}
    assert changed == {told.id: MailState.SUPERSEDED, stays.id: MailState.WAITING}
    numbers = {mail.rsvp_id: mail.ical_sequence for mail in mails(MailKind.CANCELLED)}
    assert numbers == {told.id: 2, untold.id: 1}


def test_who_comes_while_others_are_told_knows_already(app: Flask, monkeypatch) -> None:
    room, _stream = make_hybrid()
    early = [make_rsvp(room) for _ in range(2)]
    move(room.event)
    between_chunks(monkeypatch, lambda: make_rsvp(room, now=AFTER_HOLD))
    assert spread(now=AFTER_HOLD) == 2
    assert [mail.rsvp_id for mail in mails(MailKind.EVENT_CHANGED)] == [r.id for r in early]
    assert not announcements.tell(event_id=room.event_id, staff_id=None, now=AFTER_HOLD)


def test_a_cancellation_stops_a_telling_that_is_under_way(app: Flask, monkeypatch) -> None:
    room, _stream = make_hybrid()
    everybody = [make_rsvp(room) for _ in range(3)]
    move(room.event)
    between_chunks(
        monkeypatch,
        lambda: lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=AFTER_HOLD),
    )
    assert spread(now=AFTER_HOLD) == 1
    assert len(mails(MailKind.EVENT_CHANGED)) == 1
    assert spread(now=AFTER_HOLD + DAY) == 3
    [changed] = mails(MailKind.EVENT_CHANGED)
    assert changed.state is MailState.SUPERSEDED
    numbers = [mail.ical_sequence for mail in mails(MailKind.EVENT_CANCELLED)]
    assert numbers == [2, 1, 1]
    assert len(everybody) == 3


def test_a_worker_that_dies_leaves_the_rest_to_the_next(app: Flask, monkeypatch) -> None:
    room, _stream = make_hybrid()
    for _ in range(3):
        make_rsvp(room)
    move(room.event)

    def dies() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as until_then:
        between_chunks(until_then, dies)
        with pytest.raises(KeyboardInterrupt):
            spread(now=AFTER_HOLD)
    assert len(mails(MailKind.EVENT_CHANGED)) == 1
    assert spread(now=AFTER_HOLD) == 2
    numbers = [mail.ical_sequence for mail in mails(MailKind.EVENT_CHANGED)]
    assert numbers == [1, 1, 1]


def test_a_mail_of_an_earlier_telling_that_was_tried_is_not_taken_back(app: Flask) -> None:
    room, _stream = make_hybrid()
    tried, untried = make_rsvp(room), make_rsvp(room)
    move(room.event)
    spread(now=AFTER_HOLD)
    db.session.execute(
        update(OutboxMail)
        .where(OutboxMail.rsvp_id == tried.id, OutboxMail.kind == MailKind.EVENT_CHANGED)
        .values(attempts=1)
    )
    db.session.commit()
    edit(room.event, venue_name="The Annex", now=AFTER_HOLD)
    spread(now=AFTER_HOLD + DAY)
    first, second = mails(MailKind.EVENT_CHANGED, rsvp_id=tried.id)
    assert first.state is MailState.WAITING
    assert second.facts["changed"] == ["venue"], "the earlier one tells of the hour"
    gone, stands = mails(MailKind.EVENT_CHANGED, rsvp_id=untried.id)
    assert gone.state is MailState.SUPERSEDED
    assert set(stands.facts["changed"]) == {"starts_at", "ends_at", "venue"}


def test_each_whose_mail_gives_way_is_told_all_that_they_did_not_know(app: Flask) -> None:
    room, _stream = make_hybrid()
    first = make_rsvp(room)
    move(room.event, tell=False)
    second = make_rsvp(room)
    edit(room.event, venue_name="The Annex")
    spread(now=AFTER_HOLD)
    edit(room.event, title="Another title", now=AFTER_HOLD)
    spread(now=AFTER_HOLD + DAY)
    changed = {
        mail.rsvp_id: set(mail.facts["changed"])
        for mail in mails(MailKind.EVENT_CHANGED, state=MailState.WAITING)
    }
    assert changed == {
        first.id: {"title", "venue", "starts_at", "ends_at"},
        second.id: {"title", "venue"},
    }


def test_a_resent_mail_of_an_event_that_moved_has_a_number_of_its_own(app: Flask) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room)
    move(room.event, tell=False)
    links.resend(rsvp_id=rsvp.id, now=NOW, staff_id=None)
    again = mails(MailKind.CONFIRMED)[-1]
    assert vevent(again)["SEQUENCE"] == 1


@pytest.mark.parametrize("told", [True, False])
def test_a_resent_mail_that_waits_while_the_event_moves_has_the_next_number(
    app: Flask, told: bool
) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room)
    all_have_gone()
    links.resend(rsvp_id=rsvp.id, now=NOW, staff_id=None)
    again = mails(MailKind.CONFIRMED)[-1]
    assert again.ical_sequence == 0
    move(room.event, tell=told)
    with Notes() as notes:
        [(_mail_id, message)] = departures.rendered([again.id], notes, NOW)
    assert message is not None
    assert message.calendar is not None
    entry = icalendar.Calendar.from_ical(message.calendar).walk("VEVENT")[0]
    assert (entry["SEQUENCE"], entry["DTSTART"].dt) == (1, room.event.starts_at)
    with Notes() as notes:
        # The server could not be reached, and it is tried once more.
        list(departures.rendered([again.id], notes, NOW))
    db.session.refresh(rsvp)
    assert (mails(MailKind.CONFIRMED)[-1].ical_sequence, rsvp.ical_sequence) == (1, 1)
    spread(now=AFTER_HOLD)
    assert mails(MailKind.EVENT_CHANGED) == []
    move(room.event)
    spread(now=AFTER_HOLD + HOLD)
    assert [mail.ical_sequence for mail in mails(MailKind.EVENT_CHANGED)] == [2]


def test_a_room_that_is_called_otherwise_is_told_to_nobody_and_counts_in_what_is_sent_again(
    app: Flask,
) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room)
    all_have_gone()
    rows = programme.rows_of(room.event, "options")
    rows[0] |= {"label": "Hall B"}
    about = {"event_id": room.event_id, "name": "options", "seen": "", "staff_id": None}
    programme.save(**about, rows=rows, now=NOW)  # type: ignore[arg-type]
    db.session.refresh(room.event)
    assert news_of(room.event, now=NOW).is_empty
    links.resend(rsvp_id=rsvp.id, now=NOW, staff_id=None)
    again = vevent(mails(MailKind.CONFIRMED)[-1])
    assert (again["SEQUENCE"], str(again["DESCRIPTION"]).splitlines()[0]) == (1, "Hall B")


def test_a_first_mail_to_who_came_by_a_list_without_mails_brings_the_entry(app: Flask) -> None:
    room, _stream = make_hybrid()
    silent = make_rsvp(room)
    silent.ical_sequence = -1
    db.session.commit()
    links.resend(rsvp_id=silent.id, now=NOW, staff_id=None)
    assert vevent(mails(MailKind.CONFIRMED)[-1])["SEQUENCE"] == 0


# Speakers


def test_speakers_are_told_where_their_entry_differs(app: Flask) -> None:
    room, _stream = make_hybrid()
    event = room.event
    whole = make_speaker(event)
    own_slot = make_speaker(event, green_room_url="https://meet.example.org/green")
    asked_not = make_speaker(event)
    for speaker in (whole, own_slot):
        speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    all_have_gone()
    asked_late = make_speaker(event)
    speakers.invite(speaker_id=asked_late.id, staff_id=None, now=NOW)
    edit(event, venue_name="The Annex")
    spread(now=AFTER_HOLD)
    [mail] = mails(MailKind.SPEAKER_CHANGED)
    assert mail.speaker_id == whole.id
    assert mail.announcement_id
    assert db.session.get_one(Announcement, mail.announcement_id).speakers == 2
    assert vevent(mail)["SEQUENCE"] == 1
    assert "The Annex" in rendering.render(mail, now=AFTER_HOLD).body
    assert mails(MailKind.SPEAKER_CHANGED, speaker_id=asked_not.id) == []


def test_an_invitation_that_has_not_gone_says_how_it_is_and_stays(app: Flask) -> None:
    room, _stream = make_hybrid()
    speaker = make_speaker(room.event)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    move(room.event)
    spread(now=AFTER_HOLD)
    assert mails(MailKind.SPEAKER_CHANGED) == []
    [old, invitation] = mails(MailKind.SPEAKER_INVITATION)
    assert (old.state, invitation.state) == (MailState.SUPERSEDED, MailState.WAITING)
    assert vevent(invitation)["DTSTART"].dt == room.event.starts_at


# Cancelled


def test_a_cancelled_event_leaves_every_calendar(app: Flask) -> None:
    room, stream = make_hybrid(capacity=1)
    event = room.event
    seated, waits, watches = make_rsvp(room), make_rsvp(room), make_rsvp(stream)
    speaker = make_speaker(event)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    lifecycle.cancel(event_id=event.id, reason="The building is closed.", staff_id=None, now=NOW)
    db.session.refresh(event)
    assert event.status is EventStatus.CANCELLED
    spread(now=AFTER_HOLD)
    by_rsvp = {mail.rsvp_id: mail for mail in mails(MailKind.EVENT_CANCELLED)}
    assert by_rsvp.keys() == {seated.id, waits.id, watches.id}
    assert by_rsvp[waits.id].ical_sequence is None
    for rsvp in (seated, watches):
        entry = vevent(by_rsvp[rsvp.id])
        assert (entry["STATUS"], entry["SEQUENCE"]) == ("CANCELLED", 1)
        assert entry["COMMENT"] == "The building is closed."
    [mail] = mails(MailKind.SPEAKER_CANCELLED)
    assert vevent(mail)["STATUS"] == "CANCELLED"
    assert mail.announcement_id
    assert db.session.get_one(Announcement, mail.announcement_id).speakers == 1
    assert mails(MailKind.CONFIRMED, state=MailState.WAITING) == []


@pytest.mark.parametrize("end", ["cancels", "is rejected", "is erased"])
def test_who_has_just_left_a_cancelled_event_is_rid_of_the_entry_too(app: Flask, end: str) -> None:
    room, _stream = make_hybrid()
    event_id, staff_id = room.event_id, make_staff().id
    rsvp = make_rsvp(room)
    all_have_gone()
    if end == "cancels":
        rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    elif end == "is rejected":
        approvals.reject(rsvp_ids=[rsvp.id], staff_id=staff_id, now=NOW)
    else:
        erasure.erase(rsvp_id=rsvp.id, now=NOW)
    lifecycle.cancel(event_id=event_id, reason="", staff_id=None, now=NOW)
    spread(now=AFTER_HOLD)
    assert mails(MailKind.EVENT_CANCELLED) == []
    [mail] = db.session.scalars(select(OutboxMail).filter_by(state=MailState.WAITING))
    entry = vevent(mail)
    assert (entry["STATUS"], entry["SEQUENCE"]) == ("CANCELLED", 1)
    # There is nothing to come back to.
    assert "RSVP again" not in rendering.render(mail, now=AFTER_HOLD).body


def test_a_cancellation_can_be_taken_back_while_it_is_held(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    lifecycle.cancel(event_id=room.event_id, reason="A mistake", staff_id=None, now=NOW)
    held = db.session.scalars(select(Announcement)).one()
    assert undo(announcement_id=held.id, staff_id=None, now=NOW)
    db.session.refresh(room.event)
    assert room.event.is_published
    assert room.event.cancellation_reason == ""
    assert spread(now=AFTER_HOLD) == 0
    make_rsvp(room)


def test_a_cancellation_takes_the_place_of_a_change_that_is_held(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=NOW)
    spread(now=AFTER_HOLD)
    assert mails(MailKind.EVENT_CHANGED) == []
    assert len(mails(MailKind.EVENT_CANCELLED)) == 1


@pytest.mark.parametrize("had_begun", [False, True])
def test_a_telling_that_a_cancellation_stopped_is_taken_up_again_with_its_undo(
    app: Flask, monkeypatch, had_begun: bool
) -> None:
    room, _stream = make_hybrid()
    first, second = make_rsvp(room), make_rsvp(room)
    all_have_gone()
    move(room.event)
    if had_begun:
        monkeypatch.setattr(announcements, "FIRST_CHUNK", 1)
        with monkeypatch.context() as patched:
            patched.setattr(announcements, "next_size", broken)
            with pytest.raises(RuntimeError):
                spread(now=AFTER_HOLD)
        assert [mail.rsvp_id for mail in mails(MailKind.EVENT_CHANGED)] == [first.id]
    lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=AFTER_HOLD)
    last = db.session.scalars(select(Announcement).order_by(Announcement.id.desc())).first()
    assert last
    assert undo(announcement_id=last.id, staff_id=None, now=AFTER_HOLD)
    spread(now=AFTER_HOLD + HOLD)
    assert mails(MailKind.EVENT_CANCELLED) == []
    waiting = mails(MailKind.EVENT_CHANGED, state=MailState.WAITING)
    told = [mail.rsvp_id for mail in waiting]
    assert told == [first.id, second.id]


def test_a_cancellation_that_is_taken_back_tells_no_change_that_staff_kept_to_themselves(
    app: Flask,
) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    move(room.event, now=NOW + HOLD / 2)  # the telling of it takes the place of the one before
    spread(now=AFTER_HOLD + HOLD)
    move(room.event, tell=False, now=AFTER_HOLD + HOLD)
    later = AFTER_HOLD + 2 * HOLD
    lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=later)
    held = db.session.scalars(select(Announcement.id).order_by(Announcement.id.desc())).first()
    assert held
    assert undo(announcement_id=held, staff_id=None, now=later)
    assert spread(now=later + HOLD) == 0
    assert len(mails(MailKind.EVENT_CHANGED)) == 1


def broken(*_about: object) -> int:
    raise RuntimeError("the worker dies")


@pytest.mark.parametrize("doors", [None, timedelta(minutes=30)])
def test_another_zone_is_news_in_the_room_only_where_the_doors_are_told(
    app: Flask, doors: timedelta | None
) -> None:
    starts_at = NOW + 13 * DAY
    room, _stream = make_hybrid(starts_at=starts_at, doors_at=starts_at - doors if doors else None)
    make_rsvp(room)
    edit(room.event, time_zone="America/Chicago")
    spread(now=AFTER_HOLD)
    assert len(mails(MailKind.EVENT_CHANGED)) == (1 if doors else 0)


def test_another_zone_whose_clocks_say_the_same_is_no_news_to_anybody(app: Flask) -> None:
    room, stream = make_hybrid(doors_at=NOW + 13 * DAY)
    for option in (room, stream):
        make_rsvp(option)
    starts_at, call_at = room.event.starts_at, room.event.starts_at - timedelta(hours=1)
    ends_at = room.event.ends_at
    on_stage = make_speaker(
        room.event, call_at=call_at, slot_starts_at=starts_at, slot_ends_at=ends_at
    )
    speakers.invite(speaker_id=on_stage.id, staff_id=None, now=NOW)
    all_have_gone()
    # Winter: in both it is EST, which is UTC-5.
    edit(room.event, time_zone="America/Panama")
    assert news_of(room.event, now=NOW).is_empty
    spread(now=AFTER_HOLD)
    assert not mails(MailKind.EVENT_CHANGED) + mails(MailKind.SPEAKER_CHANGED)


def test_a_time_that_was_typed_in_the_events_zone_is_no_news_a_second_time(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    event_id, zone = room.event_id, room.event.zone
    speaker = make_speaker(room.event)
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)
    later = (room.event.starts_at + timedelta(days=1)).astimezone(zone)
    reschedule(event_id=event_id, starts_at=later, ends_at=later + DAY, staff_id=None, now=NOW)
    spread(now=AFTER_HOLD)
    event = db.session.get_one(Event, event_id, populate_existing=True)
    edition = event.edition
    assert news_of(event, now=AFTER_HOLD).is_empty
    events.edit(
        event_id=event_id, changes={"summary": "New."}, seen="", staff_id=None, now=AFTER_HOLD
    )
    assert db.session.get_one(Event, event_id, populate_existing=True).edition == edition


def test_the_worker_tells_when_the_hold_ends(app: Flask) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    move(room.event)
    clock.turn(delivery.Postman(), threading.Event())
    assert mails(MailKind.EVENT_CHANGED) == []
    app.config["NOW"] = lambda: AFTER_HOLD
    clock.turn(delivery.Postman(), threading.Event())
    assert len(mails(MailKind.EVENT_CHANGED)) == 1


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_who_comes_to_another_event_meanwhile_hears_nothing(app: Flask, is_cancelled: bool) -> None:
    here, there = make_option(), make_option()
    first, other, last = (make_rsvp(option) for option in (here, there, here))
    if is_cancelled:
        lifecycle.cancel(event_id=here.event_id, reason="Snow", staff_id=None, now=NOW)
    else:
        move(here.event)
    spread(now=AFTER_HOLD)
    db.session.expire_all()
    waiting = select(OutboxMail).where(OutboxMail.state == MailState.WAITING)
    kind = MailKind.EVENT_CANCELLED if is_cancelled else MailKind.EVENT_CHANGED
    assert {mail.rsvp_id: mail.kind for mail in db.session.scalars(waiting)} == {
        first.id: kind,
        other.id: MailKind.CONFIRMED,
        last.id: kind,
    }
    assert [rsvp.ical_sequence for rsvp in (first, other, last)] == [1, 0, 1]

"""What becomes of a speaker's invitation, and what their calendar is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import icalendar
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import (
    announcements,
    emails,
    lifecycle,
    outbox,
    programme,
    rendering,
    revisions,
    speakers,
    speaking,
)
from registration.claims import Notes
from registration.database import db
from registration.departures import rendered
from registration.models import (
    HOLD,
    Announcement,
    AttendanceMode,
    AuditEntry,
    Event,
    EventStatus,
    MailKind,
    MailState,
    OutboxMail,
    Speaker,
    SpeakerStatus,
)
from registration.speakers import Particulars, SpeakerRefused
from registration.speaking import Profile
from tests.conftest import NOW
from tests.factories import make_event, make_option, make_speaker, make_staff, reschedule


@pytest.fixture
def speaker(app: Flask) -> Speaker:
    return make_speaker(make_event())


def mails_of(speaker: Speaker) -> list[OutboxMail]:
    return list(
        db.session.scalars(
            select(OutboxMail).where(OutboxMail.speaker_id == speaker.id).order_by(OutboxMail.id)
        )
    )


def deliver_all() -> None:
    for mail in db.session.scalars(select(OutboxMail)):
        if mail.state is MailState.WAITING:
            mail.state, mail.ended_at = MailState.SENT, NOW
    db.session.commit()


def entry_of(mail: OutboxMail) -> tuple[str, int, str, object]:
    """METHOD, SEQUENCE, PARTSTAT and DTSTART of a mail's calendar part."""
    calendar = rendering.render(mail, now=NOW).calendar
    assert calendar is not None
    parsed = icalendar.Calendar.from_ical(calendar)
    vevent = parsed.walk("VEVENT")[0]
    partstat = vevent["ATTENDEE"].params["PARTSTAT"]
    return str(parsed["METHOD"]), int(vevent["SEQUENCE"]), partstat, vevent["DTSTART"].dt


def entry_says(mail: OutboxMail, name: str) -> str:
    calendar = rendering.render(mail, now=NOW).calendar
    assert calendar is not None
    vevent = icalendar.Calendar.from_ical(calendar).walk("VEVENT")[0]
    return str(vevent.get(name, "")).replace("\xa0", " ")


def description_of(mail: OutboxMail) -> str:
    return entry_says(mail, "DESCRIPTION")


def invite(speaker: Speaker) -> None:
    speakers.invite(speaker_id=speaker.id, staff_id=None, now=NOW)


def edit(speaker: Speaker, **changes: object) -> bool:
    return speakers.edit(
        speaker_id=speaker.id,
        particulars=replace(Particulars.of(speaker), **changes),  # type: ignore[arg-type]
        staff_id=make_staff().id,
        now=NOW,
    )


def test_an_invitation_asks_and_a_yes_is_shown_as_accepted(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    first, second = mails_of(speaker)
    starts_at = speaker.event.starts_at
    db.session.refresh(speaker)
    assert first.ical_sequence == 0
    assert entry_of(second) == ("REQUEST", 1, "ACCEPTED", starts_at)
    assert "before" not in second.facts
    assert speaker.status is SpeakerStatus.CONFIRMED


def test_a_yes_to_what_has_changed_untold_meanwhile_is_told_what_it_was(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    before, later = speaker.event.starts_at, speaker.event.starts_at + timedelta(days=1)
    reschedule(
        event_id=speaker.event_id,
        starts_at=later,
        ends_at=later + timedelta(hours=1),
        staff_id=None,
        now=NOW,
    )
    speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    assert mails_of(speaker)[-1].facts["before"]["starts_at"] == before.isoformat()


def test_who_does_not_answer_is_asked_again_as_often_as_staff_want(app: Flask) -> None:
    speaker = make_speaker(make_event(), name="Yara", language="fr")
    invite(speaker)
    for day in range(2):
        now = NOW + timedelta(days=day)
        speakers.remind(speaker_id=speaker.id, staff_id=None, now=now)
    kinds = [mail.kind for mail in mails_of(speaker)]
    assert kinds.count(MailKind.SPEAKER_REMINDER) == 2
    for mail in mails_of(speaker):
        message = rendering.render(mail, now=NOW)
        assert (message.recipient_name, message.language) == ("Yara", "fr")


def test_who_is_taken_off_after_the_event_is_mailed_nothing(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    ended = speaker.event.ends_at
    speakers.withdraw(speaker_id=speaker.id, staff_id=make_staff().id, now=ended)
    assert [mail.kind for mail in mails_of(speaker)] == [MailKind.SPEAKER_INVITATION]


def test_a_no_takes_the_entry_away_and_a_later_yes_brings_it_back(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    speaking.answer(speaker_id=speaker.id, will_speak=False, now=NOW)
    deliver_all()
    assert entry_of(mails_of(speaker)[-1])[:2] == ("CANCEL", 1)
    speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    assert entry_of(mails_of(speaker)[-1])[:3] == ("REQUEST", 2, "ACCEPTED")


def body_of(mail: OutboxMail) -> str:
    return " ".join(rendering.render(mail, now=NOW).body.split())


def test_each_mail_says_what_became_of_their_part(speaker: Speaker) -> None:
    speaker.answer_by = NOW + timedelta(days=3)
    db.session.commit()
    invite(speaker)
    deliver_all()
    invitation = body_of(mails_of(speaker)[-1])
    assert "We would be glad if you spoke at" in invitation
    assert "because you were invited to the programme" in invitation
    assert "Tell us by 26 November." in invitation
    speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    deliver_all()
    thanks = body_of(mails_of(speaker)[-1])
    assert "Thank you, " in thanks
    assert "because you are on the programme" in thanks
    edit(speaker, call_at=NOW + timedelta(days=9))
    deliver_all()
    assert "This is how it stands now." in body_of(mails_of(speaker)[-1])
    speaking.answer(speaker_id=speaker.id, will_speak=False, now=NOW)
    deliver_all()
    declined = body_of(mails_of(speaker)[-1])
    assert "We are sorry that you cannot join us." in declined
    assert "/speaker/" in declined


def test_a_speaker_of_a_cancelled_event_is_told_why(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    speaker.event.status = EventStatus.CANCELLED
    speaker.event.cancellation_reason = "The snow has closed the city."
    emails.speaker_cancelled(speaker, now=NOW)
    db.session.commit()
    told = body_of(mails_of(speaker)[-1])
    assert "will not take place. The snow has closed the city." in told
    assert "Be there at" not in told


def test_a_speaker_of_an_event_of_several_days_is_told_on_which(speaker: Speaker) -> None:
    event = speaker.event
    speaker.slot_starts_at = event.starts_at + timedelta(days=1)
    speaker.slot_ends_at = speaker.slot_starts_at + timedelta(hours=1)
    event.ends_at = event.starts_at + timedelta(days=2)
    db.session.commit()
    invite(speaker)
    deliver_all()
    told = " ".join(body_of(mails_of(speaker)[-1]).split())
    assert "Be there at 10:00 a.m. EST Monday 7 December 2026" in told
    assert "Your part Monday 7 December 2026, 10:00–11:00 a.m. EST" in told


def test_a_room_is_said_with_its_house(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    house = "The Institute 1 Example Street Washington, DC"
    assert f"10:00 a.m. EST {house}" in body_of(mails_of(speaker)[-1])
    edit(speaker, room="The blue room")
    deliver_all()
    assert f"10:00 a.m. EST The blue room {house}" in body_of(mails_of(speaker)[-1])
    edit(speaker, green_room_url="https://meet.example.org/green")
    assert house not in body_of(mails_of(speaker)[-1]).partition("Be there at")[2]


def test_a_new_time_reaches_the_calendar_of_who_was_invited(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    begins = speaker.event.starts_at + timedelta(minutes=10)
    assert edit(speaker, slot_starts_at=begins, slot_ends_at=begins + timedelta(minutes=20))
    mail = mails_of(speaker)[-1]
    assert mail.kind is MailKind.SPEAKER_CHANGED
    assert entry_of(mail) == ("REQUEST", 1, "NEEDS-ACTION", begins)


def test_a_part_that_moves_behind_the_same_call_time_reaches_the_calendar(speaker: Speaker) -> None:
    starts_at = speaker.event.starts_at
    speaker.call_at = starts_at - timedelta(minutes=45)
    speaker.slot_starts_at = starts_at + timedelta(minutes=10)
    speaker.slot_ends_at = starts_at + timedelta(minutes=40)
    db.session.commit()
    invite(speaker)
    deliver_all()
    assert "Your part: 10:10–10:40 a.m. EST" in description_of(mails_of(speaker)[-1])
    assert edit(speaker, slot_starts_at=starts_at + timedelta(minutes=20))
    mail = mails_of(speaker)[-1]
    assert entry_of(mail) == ("REQUEST", 1, "NEEDS-ACTION", speaker.call_at)
    assert "Your part: 10:20–10:40 a.m. EST" in description_of(mail)
    assert "10:10–10:40 a.m. EST → Sunday 6 December 2026, 10:20–10:40 a.m. EST" in " ".join(
        body_of(mail).split()
    )


def test_who_was_told_before_parts_stood_in_entries_is_told_of_the_next_change_alone(
    speaker: Speaker,
) -> None:
    starts_at = speaker.event.starts_at
    speaker.call_at = speaker.slot_starts_at = starts_at
    speaker.slot_ends_at = starts_at + timedelta(minutes=40)
    db.session.commit()
    invite(speaker)
    deliver_all()
    new = ("part", "name", "language")
    speaker.told = {name: said for name, said in speaker.told.items() if name not in new}
    db.session.commit()
    assert not edit(speaker, bio="A life.")
    assert edit(speaker, room="The blue room")
    assert "Your part: " not in body_of(mails_of(speaker)[-1])


def test_a_time_that_was_typed_in_the_events_zone_is_told_once(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    called = (speaker.event.starts_at - timedelta(hours=1)).astimezone(speaker.event.zone)
    assert edit(speaker, call_at=called)
    db.session.expire_all()
    assert not edit(speaker, bio="A life.")


def test_the_entry_says_when_the_slot_was_changed(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    later = NOW + timedelta(days=1)
    called = speaker.event.starts_at - timedelta(hours=1)
    speakers.edit(
        speaker_id=speaker.id,
        particulars=replace(Particulars.of(speaker), call_at=called),
        staff_id=make_staff().id,
        now=later,
    )
    calendar = rendering.render(mails_of(speaker)[-1], now=later).calendar
    assert calendar is not None
    vevent = icalendar.Calendar.from_ical(calendar).walk("VEVENT")[0]
    assert vevent["LAST-MODIFIED"].dt == later


def test_what_does_not_stand_in_the_calendar_is_told_to_nobody(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    assert not edit(speaker, bio="A life.", title="Head of Mission")
    assert not edit(speaker)
    assert len(mails_of(speaker)) == 1
    assert speaker.ical_sequence == 0


def test_an_invitation_that_has_not_gone_stays_one_when_the_time_moves(speaker: Speaker) -> None:
    invite(speaker)
    edit(speaker, call_at=speaker.event.starts_at - timedelta(minutes=45))
    waiting = [mail for mail in mails_of(speaker) if mail.state is MailState.WAITING]
    assert [mail.kind for mail in waiting] == [MailKind.SPEAKER_INVITATION]
    assert entry_of(waiting[0])[3] == speaker.event.starts_at - timedelta(minutes=45)


def move(event: Event) -> None:
    """By a day, and everybody is told."""
    by = {"staff_id": None, "now": NOW}
    day = timedelta(days=1)
    reschedule(
        event_id=event.id, starts_at=event.starts_at + day, ends_at=event.ends_at + day, **by
    )
    announcements.tell(event_id=event.id, **by)
    announcements.spread(now=NOW + HOLD)


def edit_in_the_editor(speaker: Speaker, **changes: object) -> int:
    """As a row of the programme; how many are told."""
    rows = programme.rows_of(speaker.event, "people")
    rows[0] |= changes
    return programme.save(
        event_id=speaker.event_id,
        name="people",
        rows=rows,
        seen="",
        staff_id=make_staff().id,
        now=NOW,
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda speaker: edit(speaker, room="Room 4"),
        lambda speaker: edit_in_the_editor(speaker, room="Room 4"),
        lambda speaker: move(speaker.event),
    ],
)
def test_an_invitation_that_could_not_go_at_once_stays_one_whatever_moves(
    speaker: Speaker, change: Callable[[Speaker], object]
) -> None:
    invite(speaker)
    mails_of(speaker)[0].attempts = 1
    db.session.commit()
    change(speaker)
    db.session.expire_all()
    waiting = [mail for mail in mails_of(speaker) if mail.state is MailState.WAITING]
    assert [mail.kind for mail in waiting] == [MailKind.SPEAKER_INVITATION]
    assert "We would be glad if you spoke" in body_of(waiting[0])
    assert entry_of(waiting[0])[1] == speaker.ical_sequence == 1


CORRECTIONS = pytest.mark.parametrize(
    "correct",
    [
        lambda speaker: edit(speaker, email="lise@example.org"),
        lambda speaker: edit_in_the_editor(speaker, email="lise@example.org"),
        lambda speaker: speakers.set_address(
            speaker_id=speaker.id, email="lise@example.org", staff_id=None, now=NOW
        ),
    ],
)


@CORRECTIONS
@pytest.mark.parametrize("has_said_yes", [False, True])
def test_a_new_address_gets_what_the_old_one_had(
    speaker: Speaker, correct: Callable[[Speaker], object], has_said_yes: bool
) -> None:
    invite(speaker)
    if has_said_yes:
        speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    deliver_all()
    before = entry_of(mails_of(speaker)[-1])
    key, address = speaker.key, speaker.email
    assert correct(speaker) is not False
    db.session.expire_all()
    last, waiting = [mail for mail in mails_of(speaker) if mail.state is MailState.WAITING]
    kind = MailKind.SPEAKER_CHANGED if has_said_yes else MailKind.SPEAKER_INVITATION
    assert (waiting.kind, waiting.recipient) == (kind, "lise@example.org")
    assert entry_of(waiting)[:2] == ("REQUEST", 0)
    assert (last.kind, last.recipient) == (MailKind.READDRESSED, address)
    assert entry_of(last)[:2] == ("CANCEL", before[1] + 1)
    assert speaker.key not in body_of(last)
    assert speaker.key != key, "the link that the old one has leads nowhere"
    # What comes later goes there, too, and the next correction changes nothing twice.
    correct(speaker)
    assert len([mail for mail in mails_of(speaker) if mail.recipient == "lise@example.org"]) == 1


def on_programme(event_id: int) -> Speaker:
    db.session.expire_all()
    return db.session.scalars(
        select(Speaker).where(
            Speaker.event_id == event_id, Speaker.status != SpeakerStatus.CANCELLED
        )
    ).one()


@pytest.mark.parametrize("change", [edit, edit_in_the_editor])
def test_somebody_else_in_the_same_row_is_invited_and_the_one_before_told(
    speaker: Speaker, change: Callable[..., int]
) -> None:
    invite(speaker)
    speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    profile = Profile(name=speaker.name, position="Director", needs="A ramp", pronunciation="SPEE")
    speaking.save_profile(speaker_id=speaker.id, profile=profile, now=NOW)
    deliver_all()
    address, position = speaker.email, speaker.position
    for told in (1, 0):  # pressed twice
        assert change(speaker, name="Lise Ndiaye", email="lise@example.org") == told
    other = on_programme(speaker.event_id)
    assert (other.name, other.position, other.status) == (
        "Lise Ndiaye", position, SpeakerStatus.INVITED,
    )  # fmt: skip
    assert (other.needs, other.pronunciation, other.answered_at) == ("", "", None)
    assert other.key != speaker.key
    (invitation,) = mails_of(other)
    assert (invitation.kind, invitation.recipient) == (
        MailKind.SPEAKER_INVITATION, "lise@example.org",
    )  # fmt: skip
    assert entry_of(invitation)[:3] == ("REQUEST", 0, "NEEDS-ACTION")
    last = mails_of(speaker)[-1]
    assert (last.kind, last.recipient) == (MailKind.SPEAKER_CANCELLED, address)
    assert entry_of(last)[:2] == ("CANCEL", 2)
    assert (speaker.name, speaker.status) == ("Speaker 1", SpeakerStatus.CANCELLED)


@pytest.mark.parametrize("change", [edit, edit_in_the_editor])
@pytest.mark.parametrize("name", ["Speaker 1", "Dr. Speaker 1, PhD", "spéaker 1"])
def test_who_is_called_much_the_same_at_another_address_stays_who_they_are(
    speaker: Speaker, change: Callable[..., int], name: str
) -> None:
    invite(speaker)
    speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    change(speaker, name=name, email="new@example.org")
    other = on_programme(speaker.event_id)
    assert (other.id, other.status) == (speaker.id, SpeakerStatus.CONFIRMED)


def test_somebody_else_comes_once_though_the_programme_is_sent_twice(speaker: Speaker) -> None:
    invite(speaker)
    rows = programme.rows_of(speaker.event, "people")
    seen = revisions.fingerprint(rows)
    rows[0] |= {"name": "Lise Ndiaye", "email": "lise@example.org"}
    about = {"event_id": speaker.event_id, "name": "people", "staff_id": None, "now": NOW}
    told = [programme.save(**about, rows=rows, seen=seen) for _press in range(2)]  # type: ignore[arg-type]
    assert told == [1, 0]
    assert on_programme(speaker.event_id).name == "Lise Ndiaye"


def test_somebody_else_in_the_place_of_one_who_said_no_is_invited_when_staff_say_so(
    speaker: Speaker,
) -> None:
    invite(speaker)
    speaking.answer(speaker_id=speaker.id, will_speak=False, now=NOW)
    assert not edit(speaker, name="Lise Ndiaye", email="lise@example.org")
    other = on_programme(speaker.event_id)
    assert (other.status, mails_of(other)) == (SpeakerStatus.NOT_INVITED, [])
    assert [mail.kind for mail in mails_of(speaker)].count(MailKind.SPEAKER_CANCELLED) == 1


def test_the_entry_says_where_to_be_and_has_no_link_that_answers_for_them(app: Flask) -> None:
    event = make_event(venue_name="The Institute", venue_address="1 Example Street")
    link = "https://meet.example.org/green"
    inside = make_speaker(event, room="The blue room")
    online = make_speaker(event, green_room_url=link)
    entries = []
    for speaker in (inside, online):
        invite(speaker)
        calendar = rendering.render(mails_of(speaker)[-1], now=NOW).calendar
        assert calendar is not None
        vevent = icalendar.Calendar.from_ical(calendar).walk("VEVENT")[0]
        # People share calendars.
        assert speaker.key not in vevent.to_ical().decode().replace("\r\n ", "")
        assert vevent["ATTENDEE"].params["CN"] == speaker.name
        assert vevent["URL"] in vevent["DESCRIPTION"]
        assert vevent["URL"].endswith(f"/events/{event.slug}")
        entries.append(vevent)
    first, second = entries
    assert first["LOCATION"] == "The Institute, 1 Example Street"
    assert first["DESCRIPTION"].startswith("Where to be: The blue room\n")
    assert "CONFERENCE" not in first
    assert second["LOCATION"] == second["CONFERENCE"] == link
    assert second["CONFERENCE"].params["LABEL"] == "Green room"


def test_the_entry_of_a_draft_leads_to_no_page_that_cannot_be_opened_yet(
    speaker: Speaker, client: FlaskClient
) -> None:
    event = make_option(speaker.event).event
    event.status = EventStatus.DRAFT
    db.session.commit()
    invite(speaker)
    deliver_all()
    (invitation,) = mails_of(speaker)
    assert entry_says(invitation, "URL") == ""
    assert event.slug not in entry_says(invitation, "DESCRIPTION")
    lifecycle.publish(event_id=event.id, staff_id=None, now=NOW)
    db.session.expire_all()
    assert announcements.tell(event_id=event.id, staff_id=None, now=NOW) is False
    speakers.resend(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
    again = mails_of(speaker)[-1]
    assert again.ical_sequence == 1
    url = entry_says(again, "URL")
    assert url in entry_says(again, "DESCRIPTION")
    assert client.get(urlsplit(url).path).status_code == 200


def test_who_speaks_from_elsewhere_is_not_sent_to_the_venue(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    assert edit(speaker, mode=AttendanceMode.VIRTUAL)
    mail = rendering.render(mails_of(speaker)[-1], now=NOW)
    assert b"\r\nLOCATION:Online\r\n" in (mail.calendar or b"")
    assert "Washington, DC → Online" in mail.body.replace("\n", " ")
    # Unless they go into a room for it.
    assert edit(speaker, room="Studio 2")
    again = rendering.render(mails_of(speaker)[-1], now=NOW).calendar or b""
    assert b"\r\nLOCATION:The Institute" in again


def test_an_event_that_ends_before_a_call_time_makes_no_entry_that_ends_before_it_begins(
    app: Flask,
) -> None:
    event = make_event()
    speaker = make_speaker(event, call_at=event.ends_at - timedelta(minutes=20))
    invite(speaker)
    reschedule(
        event_id=event.id,
        starts_at=event.starts_at,
        ends_at=event.starts_at + timedelta(minutes=30),
        staff_id=None,
        now=NOW,
    )
    announcements.spread(now=NOW + HOLD)
    calendar = rendering.render(mails_of(speaker)[-1], now=NOW).calendar or b""
    vevent = icalendar.Calendar.from_ical(calendar).walk("VEVENT")[0]
    assert vevent["SEQUENCE"] == 1
    assert vevent["DTEND"].dt > vevent["DTSTART"].dt == speaker.call_at


def test_who_has_not_been_asked_is_mailed_nothing_at_a_new_address(speaker: Speaker) -> None:
    speakers.set_address(speaker_id=speaker.id, email="new@example.org", staff_id=None, now=NOW)
    assert not edit_in_the_editor(speaker, email="newer@example.org")
    assert mails_of(speaker) == []


@CORRECTIONS
def test_a_link_that_went_to_a_stranger_who_declined_leads_nowhere(
    speaker: Speaker, correct: Callable[[Speaker], object]
) -> None:
    invite(speaker)
    speaking.answer(speaker_id=speaker.id, will_speak=False, now=NOW)
    key = speaker.key
    correct(speaker)
    db.session.expire_all()
    assert speaker.key != key
    invite(speaker)
    assert speaker.key in body_of(mails_of(speaker)[-1])


@CORRECTIONS
def test_who_said_no_is_thanked_at_the_new_address_and_the_old_one_loses_the_entry(
    speaker: Speaker, correct: Callable[[Speaker], object]
) -> None:
    invite(speaker)
    deliver_all()
    address, uid = speaker.email, speaker.ical_uid
    speaking.answer(speaker_id=speaker.id, will_speak=False, now=NOW)
    assert not correct(speaker)
    db.session.expire_all()
    told, last = [mail for mail in mails_of(speaker) if mail.state is MailState.WAITING]
    assert (told.kind, told.recipient) == (MailKind.SPEAKER_CANCELLED, "lise@example.org")
    assert (told.ical_sequence, speaker.key in body_of(told)) == (None, True)
    assert (last.kind, last.recipient) == (MailKind.READDRESSED, address)
    assert uid.encode() in (rendering.render(last, now=NOW).calendar or b"")
    assert speaker.key not in body_of(last)


@CORRECTIONS
def test_nothing_waits_at_the_old_address_while_a_cancellation_is_held(
    speaker: Speaker, correct: Callable[[Speaker], object]
) -> None:
    invite(speaker)
    deliver_all()
    address = speaker.email
    speakers.remind(speaker_id=speaker.id, staff_id=None, now=NOW)
    lifecycle.cancel(event_id=speaker.event_id, reason="Snow", staff_id=None, now=NOW)
    assert not correct(speaker)
    db.session.expire_all()
    waiting = [mail for mail in mails_of(speaker) if mail.state is MailState.WAITING]
    assert [mail.kind for mail in waiting if mail.recipient == address] == [MailKind.READDRESSED]
    announcements.spread(now=NOW + HOLD)
    db.session.expire_all()
    waiting = [mail for mail in mails_of(speaker) if mail.state is MailState.WAITING]
    assert {(mail.kind, mail.recipient) for mail in waiting} == {
        (MailKind.READDRESSED, address),
        (MailKind.SPEAKER_CANCELLED, "lise@example.org"),
    }


def test_one_corrected_while_a_cancellation_is_held_is_asked_if_it_is_taken_back(
    speaker: Speaker,
) -> None:
    invite(speaker)
    deliver_all()
    lifecycle.cancel(event_id=speaker.event_id, reason="Snow", staff_id=None, now=NOW)
    edit(speaker, email="lise@example.org")
    ids = [mail.id for mail in mails_of(speaker) if mail.kind is MailKind.SPEAKER_INVITATION]

    def goes() -> bool:
        with Notes() as notes:
            return [mail_id for mail_id, mail in rendered(ids, notes, NOW) if mail] == ids[-1:]

    assert not goes()
    held = db.session.scalars(select(Announcement)).one()
    assert announcements.undo(announcement_id=held.id, staff_id=None, now=NOW)
    assert goes()


def test_a_mail_that_waits_for_one_whose_address_is_taken_away_is_given_up(
    speaker: Speaker,
) -> None:
    invite(speaker)
    edit(speaker, email="")
    assert [mail.state for mail in mails_of(speaker)] == [MailState.WITHDRAWN]
    # Who gets one later is asked there.
    assert edit(speaker, email="lise@example.org")
    assert mails_of(speaker)[-1].recipient == "lise@example.org"


def test_a_mail_that_failed_at_the_old_address_is_not_tried_there_again(
    speaker: Speaker,
) -> None:
    invite(speaker)
    (mail,) = mails_of(speaker)
    mail.state, mail.ended_at = MailState.FAILED, NOW
    db.session.commit()
    assert outbox.is_still_so(mail, now=NOW)
    edit(speaker, email="lise@example.org")
    assert not outbox.resend(mail_id=mail.id, staff_id=None, now=NOW)


def test_who_is_taken_off_a_cancelled_event_loses_the_entry_too(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    lifecycle.cancel(event_id=speaker.event_id, reason="Snow", staff_id=None, now=NOW)
    speakers.withdraw(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
    announcements.spread(now=NOW + HOLD)
    db.session.expire_all()
    assert [entry_of(mail)[:2] for mail in mails_of(speaker)[1:]] == [("CANCEL", 1)]


def test_who_has_no_address_any_more_is_told_of_nothing(speaker: Speaker) -> None:
    invite(speaker)
    assert not edit(speaker, email="", room="The blue room")
    speaking.answer(speaker_id=speaker.id, will_speak=False, now=NOW)
    assert [mail.kind for mail in mails_of(speaker)] == [MailKind.SPEAKER_INVITATION]


@pytest.mark.parametrize(
    "change",
    [
        lambda speaker: edit(speaker, room="Room 4"),
        lambda speaker: edit(speaker, email="lise@example.org"),
        lambda speaker: edit_in_the_editor(speaker, room="Room 4"),
        lambda speaker: speakers.set_address(
            speaker_id=speaker.id, email="lise@example.org", staff_id=None, now=NOW
        ),
    ],
)
def test_once_the_event_is_over_nobody_is_told_of_a_change(
    speaker: Speaker, change: Callable[[Speaker], object]
) -> None:
    invite(speaker)
    deliver_all()
    hour = timedelta(hours=1)
    speaker.event.starts_at, speaker.event.ends_at = NOW - 2 * hour, NOW - hour
    db.session.commit()
    assert not change(speaker)
    assert len(mails_of(speaker)) == 1


def test_who_was_not_invited_is_told_of_no_change(speaker: Speaker) -> None:
    assert not edit(speaker, room="Room 4")
    assert mails_of(speaker) == []


def test_an_edit_of_a_page_gone_stale_changes_nothing(speaker: Speaker) -> None:
    seen = Particulars.of(speaker).fingerprint
    edit(speaker, room="Room 4")
    with pytest.raises(SpeakerRefused):
        speakers.edit(
            speaker_id=speaker.id,
            particulars=replace(Particulars.of(speaker), room="Room 5"),
            staff_id=make_staff().id,
            now=NOW,
            seen=seen,
        )
    assert speaker.room == "Room 4"


@pytest.mark.parametrize("answered", [None, True])
def test_taking_the_invitation_back_takes_the_entry_away_once(
    speaker: Speaker, answered: bool | None
) -> None:
    invite(speaker)
    if answered:
        speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    deliver_all()
    staff_id = make_staff().id
    for _twice in range(2):
        speakers.withdraw(speaker_id=speaker.id, staff_id=staff_id, now=NOW)
    cancels = [mail for mail in mails_of(speaker) if mail.kind is MailKind.SPEAKER_CANCELLED]
    assert [entry_of(mail)[0] for mail in cancels] == ["CANCEL"]
    assert "Your invitation to this event has been taken back." in body_of(cancels[0])
    assert speaker.status is SpeakerStatus.CANCELLED
    with pytest.raises(SpeakerRefused):
        speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    with pytest.raises(SpeakerRefused):
        speaking.save_profile(speaker_id=speaker.id, profile=Profile("N", "P"), now=NOW)


def test_who_declined_is_mailed_no_second_cancel(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    speaking.answer(speaker_id=speaker.id, will_speak=False, now=NOW)
    speakers.withdraw(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
    kinds = [mail.kind for mail in mails_of(speaker)]
    assert kinds.count(MailKind.SPEAKER_CANCELLED) == 1


def test_sent_again_it_is_the_same_entry(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    speakers.resend(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
    first, again = mails_of(speaker)
    assert (again.kind, again.ical_sequence) == (first.kind, first.ical_sequence)
    assert again.message_id != first.message_id


def test_sent_again_after_an_untold_change_it_is_the_next_edition(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    later = speaker.event.starts_at + timedelta(days=1)
    reschedule(
        event_id=speaker.event_id,
        starts_at=later,
        ends_at=later + timedelta(hours=1),
        staff_id=None,
        now=NOW,
    )
    speakers.resend(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
    assert entry_of(mails_of(speaker)[-1]) == ("REQUEST", 1, "NEEDS-ACTION", later)


def test_sent_again_while_it_changes_in_the_outbox_it_is_the_next_edition(speaker: Speaker) -> None:
    invite(speaker)
    deliver_all()
    speakers.resend(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
    again = mails_of(speaker)[-1]
    assert again.ical_sequence == 0
    later = speaker.event.starts_at + timedelta(days=1)
    by = {"staff_id": None, "now": NOW}
    reschedule(event_id=speaker.event_id, starts_at=later, ends_at=later + HOLD, **by)
    with Notes() as notes:
        [(_mail_id, message)] = rendered([again.id], notes, NOW)
    assert message is not None
    assert message.calendar is not None
    entry = icalendar.Calendar.from_ical(message.calendar).walk("VEVENT")[0]
    assert (entry["SEQUENCE"], entry["DTSTART"].dt) == (1, later)
    db.session.refresh(speaker)
    assert speaker.ical_sequence == 1
    assert not emails.speaker_moved(speaker, now=NOW)


def test_another_name_or_language_is_mailed_to_nobody_and_counts_in_what_is_sent_again(
    speaker: Speaker,
) -> None:
    invite(speaker)
    deliver_all()
    profile = Profile(name="Prof. Another Name", position="")
    for number, change in enumerate(
        (
            lambda: speaking.save_profile(speaker_id=speaker.id, profile=profile, now=NOW),
            lambda: edit(speaker, language="fr"),
        ),
        start=1,
    ):
        assert not change()
        assert len(mails_of(speaker)) == number
        speakers.resend(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
        deliver_all()
        assert mails_of(speaker)[-1].ical_sequence == number


def test_who_has_not_answered_is_reminded_to_say_yes_or_no(speaker: Speaker) -> None:
    speaker.answer_by = NOW + timedelta(days=3)
    db.session.commit()
    invite(speaker)
    deliver_all()
    speakers.remind(speaker_id=speaker.id, staff_id=None, now=NOW + timedelta(days=1))
    reminder = rendering.render(mails_of(speaker)[-1], now=NOW)
    assert reminder.subject.startswith("Reminder: ")
    said = " ".join(reminder.body.split())
    assert "Say yes or no on your page; it needs no account. Tell us by 26 November." in said
    deliver_all()
    speaking.answer(speaker_id=speaker.id, will_speak=True, now=NOW)
    speakers.remind(speaker_id=speaker.id, staff_id=None, now=NOW + timedelta(days=5))
    assert "Say yes or no" not in body_of(mails_of(speaker)[-1])


def test_nobody_is_asked_to_answer_by_a_day_that_is_over(speaker: Speaker) -> None:
    speaker.answer_by = NOW + timedelta(days=3)
    db.session.commit()
    invite(speaker)
    (mail,) = mails_of(speaker)
    assert "Tell us by 26 November." in body_of(mail)
    mail.state, mail.ended_at = MailState.SENT, NOW + timedelta(days=4)
    db.session.commit()
    assert "Tell us by" not in body_of(mail)


def test_nobody_is_sent_again_what_was_never_sent(speaker: Speaker) -> None:
    with pytest.raises(SpeakerRefused):
        speakers.resend(speaker_id=speaker.id, staff_id=make_staff().id, now=NOW)
    with pytest.raises(SpeakerRefused):
        speakers.remind(speaker_id=speaker.id, staff_id=None, now=NOW)


def test_nobody_is_invited_without_an_address(speaker: Speaker) -> None:
    speaker.email = ""
    db.session.commit()
    with pytest.raises(SpeakerRefused):
        invite(speaker)
    assert speakers.to_invite(speaker.event_id) == []


def test_an_address_is_missed_of_those_alone_who_are_still_to_be_asked(speaker: Speaker) -> None:
    make_speaker(make_event(), email="")
    declined = make_speaker(speaker.event, email="", status=SpeakerStatus.DECLINED)
    assert not speakers.without_address(speaker.event_id)
    declined.status = SpeakerStatus.NOT_INVITED
    db.session.commit()
    assert speakers.without_address(speaker.event_id)
    assert speakers.to_invite(speaker.event_id) == [speaker.id]


@pytest.mark.parametrize("state", ["cancelled", "past"])
def test_an_event_that_is_over_asks_nobody_and_takes_no_answer(
    speaker: Speaker, state: str
) -> None:
    invite(speaker)
    event = db.session.get_one(Event, speaker.event_id)
    if state == "cancelled":
        event.status = EventStatus.CANCELLED
        db.session.commit()
    now = NOW if state == "cancelled" else event.ends_at
    with pytest.raises(SpeakerRefused):
        speaking.answer(speaker_id=speaker.id, will_speak=True, now=now)
    with pytest.raises(SpeakerRefused):
        speakers.invite(speaker_id=speaker.id, staff_id=None, now=now)
    with pytest.raises(SpeakerRefused):
        speakers.remind(speaker_id=speaker.id, staff_id=None, now=now)
    with pytest.raises(SpeakerRefused):
        speakers.resend(speaker_id=speaker.id, staff_id=make_staff().id, now=now)


def test_what_staff_do_with_a_speaker_is_in_the_log(speaker: Speaker) -> None:
    invite(speaker)
    edit(speaker, room="Room 4")
    staff_id = make_staff().id
    speakers.resend(speaker_id=speaker.id, staff_id=staff_id, now=NOW)
    speakers.remind(speaker_id=speaker.id, staff_id=staff_id, now=NOW)
    speakers.set_address(speaker_id=speaker.id, email="new@example.org", staff_id=staff_id, now=NOW)
    speakers.withdraw(speaker_id=speaker.id, staff_id=staff_id, now=NOW)
    actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    expected = ["invited", "edited", "resent", "reminded", "address", "withdrawn"]
    assert actions == [f"speaker.{what}" for what in expected]

"""The demo: what was announced word for word, a season of every kind, and crowds that add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from registration import demo, doctor, reminders
from registration.database import db
from registration.demo import announcement, registrations, season
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Attendee,
    Event,
    EventStatus,
    Invitation,
    InvitationCode,
    InvitationStatus,
    MailState,
    OutboxMail,
    Publication,
    Question,
    QuestionKind,
    RegistrationKind,
    Rsvp,
    RsvpStatus,
    Speaker,
    StreamSource,
    Visibility,
)
from tests.factories import make_event, make_hybrid, make_option, make_rsvp


def the_event(slug: str = announcement.SLUG) -> Event:
    return db.session.scalars(select(Event).where(Event.slug == slug)).one()


def rows_of(model: type, event: Event) -> list:
    wanted = select(model).where(model.event_id == event.id)
    return list(db.session.scalars(wanted.order_by(getattr(model, "position", model.id))))


def number_of(event: Event, *conditions: object) -> int:
    wanted = select(func.count()).select_from(Rsvp).where(Rsvp.event_id == event.id, *conditions)
    return db.session.scalar(wanted) or 0


def wrong_counters() -> list[str]:
    return [finding.text for finding in doctor.counters() if not finding.is_fine]


def test_speakers_have_time_to_answer(app: Flask, now: datetime) -> None:
    announcement.make(now)
    for speaker in rows_of(Speaker, the_event()):
        assert now < speaker.answer_by < the_event().starts_at


def test_loading_again_makes_only_what_is_missing(app: Flask, now: datetime) -> None:
    assert demo.load(now=now) == 15
    rsvps = db.session.scalar(select(func.count()).select_from(Rsvp))

    assert demo.load(now=now) == 0
    the_event("open-house").slug = "renamed"
    db.session.commit()
    assert demo.load(now=now) == 1
    assert db.session.scalar(select(func.count()).select_from(Event)) == 16
    assert db.session.scalar(select(func.count()).select_from(Rsvp)) == rsvps


def test_a_loaded_demo_adds_up_and_mails_nobody(
    app: Flask, client: FlaskClient, now: datetime
) -> None:
    demo.load(now=now)

    assert wrong_counters() == []
    mails = list(db.session.scalars(select(OutboxMail)))
    assert len(mails) > 100
    assert {mail.state for mail in mails} == {MailState.SENT}
    assert all(mail.ended_at == mail.created_at <= now for mail in mails)
    assert all(mail.recipient.endswith("@example.org") for mail in mails)
    for event in db.session.scalars(select(Event)).all():
        is_shown = event.status is not EventStatus.DRAFT
        is_shown &= event.visibility is not Visibility.INVITATION
        assert (client.get(f"/events/{event.slug}").status_code == 200) >= is_shown, event.slug
    assert reminders.send_due(now=now + timedelta(minutes=15)) == 0


def test_a_mail_written_after_the_demo_waits_as_usual(app: Flask, now: datetime) -> None:
    season.draft(now)
    demo.load(now=now)
    rsvp = make_rsvp(make_option())
    mail = db.session.scalars(select(OutboxMail).where(OutboxMail.rsvp_id == rsvp.id)).one()
    assert mail.state is MailState.WAITING


def test_the_announcement_stands_word_for_word(app: Flask, now: datetime) -> None:
    announcement.make(now)
    event = the_event()

    assert event.title == "Policing in Conflict"
    paragraphs = event.description.split("\n\n")
    assert len(paragraphs) == 3
    assert paragraphs[0].startswith(
        "Both during and after conflict, police play a vital role in restoring public security "
        "and rebuilding local capacity to uphold the rule of law."
    )
    assert "in Bosnia and Herzegovina as well as Afghanistan — to develop" in paragraphs[1]
    assert paragraphs[2] == (
        "On December 6, USIP hosted an in-person and virtual conversation that explored how past "
        "international policing and reform efforts make the case for specialized policing "
        "interventions, what these specialized models look like in practice, and how they could "
        "be applied to current and emerging conflicts."
    )
    assert event.hashtag == "PolicingInConflict"
    assert event.hashtag_line == "Continue the conversation on Twitter using #PolicingInConflict."
    assert event.publications_url == "https://www.usip.org/publications"


def test_six_people_speak_and_the_last_one_moderates(app: Flask, now: datetime) -> None:
    announcement.make(now)
    people = rows_of(Speaker, the_event())

    assert [(person.name, person.position_line) for person in people] == [
        ("Lise Grande", "President and CEO, U.S. Institute of Peace"),
        (
            "Col. Giuseppe De Magistris",
            "Director, NATO Stability Policing Centre of Excellence",
        ),
        (
            "Jaswant Lal",
            "Officer-in-Charge, Strategic Policy and Development Section, U.N. Police Division",
        ),
        ("John F. Sopko", "Special Inspector General for Afghanistan Reconstruction"),
        ("Amb. Lars-Gunnar Wigemark", "Head of Mission, EULEX Kosovo"),
        (
            "Philippe Leroux-Martin",
            "Director, Governance, Justice and Security, U.S. Institute of Peace",
        ),
    ]
    assert [person.is_moderator for person in people] == [False] * 5 + [True]
    assert len({person.email for person in people}) == 6
    assert all(person.email.endswith("@example.org") for person in people)


def test_each_publication_is_there_once_and_the_french_one_is_a_translation(
    app: Flask, now: datetime
) -> None:
    announcement.make(now)
    ukraine, mali, french, english = rows_of(Publication, the_event())

    assert [work.type for work in (ukraine, mali, french, english)] == ["Report", *["Analysis"] * 3]
    assert [f"{work.published_on}" for work in (ukraine, mali, french, english)] == [
        "2024-10-17",
        "2024-09-18",
        "2024-07-10",
        "2024-07-10",
    ]
    assert ukraine.topics == ["Conflict Analysis & Prevention", "Justice, Security & Rule of Law"]
    assert mali.topics == ["Gender", "Human Rights", "Justice, Security & Rule of Law"]
    assert english.topics == french.topics == ["Justice, Security & Rule of Law", "Reconciliation"]
    assert french.language == "fr"
    assert french.title.startswith("Cartographie du chemin de la justice en Haïti")
    assert french.translation_of == english
    assert {work.translation_of for work in (ukraine, mali, english)} == {None}
    assert english.abstract.endswith("as part of a comprehensive counter-gang strategy.")


def test_the_announced_event_lies_ahead_with_seats_left(app: Flask, now: datetime) -> None:
    announcement.make(now)
    event = the_event()
    room, stream = rows_of(AttendanceOption, event)

    def local(instant: datetime) -> str:
        return f"{instant.astimezone(ZoneInfo('America/New_York')):%Y-%m-%d %H:%M}"

    assert local(event.starts_at) == "2026-12-06 10:00"
    assert local(event.ends_at) == "2026-12-06 11:30"
    assert local(event.doors_at) == "2026-12-06 09:15"
    assert "until" not in event.venue_access
    assert "if you ask by 29 November" in event.venue_access
    assert (room.capacity, room.seats_left) == (120, 37)
    assert (stream.mode, stream.capacity) == (AttendanceMode.VIRTUAL, None)
    assert stream.seats_taken > 100
    assert [source.is_live for source in rows_of(StreamSource, event)] == [True, False]


@pytest.mark.parametrize(
    ("moment", "year"),
    [
        (datetime(2026, 12, 6, 14, 59, tzinfo=UTC), 2026),
        (datetime(2026, 12, 6, 15, 0, tzinfo=UTC), 2027),
        (datetime(2027, 1, 1, 2, 0, tzinfo=UTC), 2027),
    ],
)
def test_the_next_6_december_is_one_that_has_not_begun(
    app: Flask, moment: datetime, year: int
) -> None:
    announcement.make(moment)
    assert the_event().starts_at == datetime(year, 12, 6, 15, 0, tzinfo=UTC)
    assert the_event().accepts_until > moment


def test_a_past_event_has_its_whole_record(app: Flask, now: datetime) -> None:
    season.recorded(now)
    event = the_event("courts-without-courthouses")

    assert event.is_past(now)
    assert event.recording_url.startswith("https://www.youtube-nocookie.com/embed/")
    assert event.recording_minutes == 84
    assert event.transcript_url
    assert event.slides_url
    came = select(Attendee).join(Rsvp).where(Rsvp.event_id == event.id)
    assert db.session.scalars(came.where(Attendee.checked_in_at.is_not(None))).all()
    assert db.session.scalars(came.where(Attendee.joined_at.is_not(None))).all()
    both = came.where(Attendee.checked_in_at.is_not(None), Attendee.joined_at.is_not(None))
    assert db.session.scalars(both).all() == []


def test_the_full_event_has_a_queue_and_some_of_it_watch_meanwhile(
    app: Flask, now: datetime
) -> None:
    season.full(now)
    event = the_event("letters-from-the-peace-tables")
    room, _stream = rows_of(AttendanceOption, event)

    assert (room.seats_left, room.waiting) == (0, 9)
    assert number_of(event, Rsvp.status == RsvpStatus.WAITLISTED) == 4
    watching = (Rsvp.status == RsvpStatus.CONFIRMED, Rsvp.waits_for_option_id == room.id)
    assert number_of(event, *watching) == 5
    assert wrong_counters() == []


def test_the_season_has_a_cancelled_event_and_a_draft(app: Flask, now: datetime) -> None:
    season.cancelled(now)
    season.draft(now)
    cancelled = the_event("water-borders-central-asia")
    assert cancelled.status is EventStatus.CANCELLED
    assert cancelled.cancellation_reason
    assert cancelled.cancelled_at < now < cancelled.starts_at
    assert the_event("who-guards-the-guards").status is EventStatus.DRAFT


def test_there_is_an_event_for_each_way_to_register(app: Flask, now: datetime) -> None:
    for make in registrations.EVENTS.values():
        make(now)

    forum = the_event("practitioners-forum")
    assert number_of(forum, Rsvp.status == RsvpStatus.PENDING) == 7

    roundtable = the_event("early-warning-roundtable")
    assert roundtable.visibility is Visibility.INVITATION
    statuses = [invitation.status for invitation in rows_of(Invitation, roundtable)]
    assert statuses.count(InvitationStatus.ACCEPTED) == 4
    assert statuses.count(InvitationStatus.DECLINED) == 2
    assert statuses.count(InvitationStatus.OPEN) == 6
    assert [code.uses for code in rows_of(InvitationCode, roundtable)] == [3]

    confirming = the_event("reading-conflict-figures")
    assert confirming.confirms_addresses
    assert number_of(confirming, Rsvp.status == RsvpStatus.UNVERIFIED) == 2
    assert number_of(confirming, Rsvp.status == RsvpStatus.CONFIRMED) == 8

    fair = the_event("community-security-fair")
    questions = rows_of(Question, fair)
    assert {question.kind for question in questions} == set(QuestionKind)
    assert [question.is_sensitive for question in questions].count(True) == 1
    room = rows_of(AttendanceOption, fair)[0]
    assert [question.option_id for question in questions if question.option_id] == [room.id]
    assert number_of(fair, Rsvp.party_size > 1) == 6

    assert the_event("ceasefires-by-design").registration_opens_at > now
    closed = the_event("desarmement-demobilisation-reintegration")
    assert closed.accepts_until < now < closed.starts_at
    assert number_of(closed) == 14
    assert the_event("peace-education-conference").registration is RegistrationKind.EXTERNAL
    assert the_event("open-house").registration is RegistrationKind.NONE
    assert wrong_counters() == []


def test_a_crowd_fills_the_room_then_queues_then_watches(app: Flask, now: datetime) -> None:
    room, stream = make_hybrid(capacity=120)
    demo.add_attendees(event_id=room.event_id, number=2_000, now=now)

    db.session.expire_all()
    assert wrong_counters() == []
    assert (room.seats_taken, room.seats_left) == (120, 0)
    assert stream.seats_taken > 1_000
    numbers = db.session.scalars(
        select(Rsvp.waiting_number)
        .where(Rsvp.waits_for_option_id == room.id)
        .order_by(Rsvp.created_at)
    ).all()
    assert numbers == list(range(1, room.waiting + 1))
    assert room.last_waiting_number == room.waiting > 0
    assert number_of(room.event, Rsvp.status == RsvpStatus.WAITLISTED) > 0
    assert number_of(room.event, Rsvp.status == RsvpStatus.CANCELLED) > 0
    assert db.session.scalar(select(func.count()).select_from(Attendee)) == 2_000
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == 0
    first, last = db.session.execute(
        select(func.min(Rsvp.created_at), func.max(Rsvp.created_at))
    ).one()
    assert now - timedelta(days=60) <= first < now - timedelta(days=59)
    assert now - timedelta(days=1) < last <= now


def test_a_second_crowd_comes_behind_the_first(app: Flask, now: datetime) -> None:
    room, _stream = make_hybrid(capacity=5)
    for _ in range(2):
        demo.add_attendees(event_id=room.event_id, number=150, now=now)

    assert wrong_counters() == []
    assert number_of(room.event) == 300
    emails = select(func.count(Rsvp.email.distinct())).where(Rsvp.event_id == room.event_id)
    assert db.session.scalar(emails) == 300


def test_a_crowd_that_has_nothing_but_a_small_room_waits_for_it(app: Flask, now: datetime) -> None:
    room = make_option(capacity=3)
    demo.add_attendees(event_id=room.event_id, number=40, now=now)

    db.session.expire_all()
    assert wrong_counters() == []
    assert room.seats_taken == 3
    assert room.waiting > 20


def test_a_crowd_finds_no_way_into_an_event_without_options(app: Flask, now: datetime) -> None:
    event = make_event()
    with pytest.raises(LookupError):
        demo.add_attendees(event_id=event.id, number=10, now=now)
    assert number_of(event) == 0

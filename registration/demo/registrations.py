"""One invented event for each way to register."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from registration import answering, emails, invitations
from registration.database import transaction
from registration.demo import house, names
from registration.demo.house import FRIDAY, THURSDAY, TUESDAY, WEDNESDAY
from registration.models import (
    AttendanceOption,
    Event,
    Invitation,
    InvitationCode,
    Question,
    QuestionKind,
    RegistrationKind,
    StreamKind,
    StreamSource,
    Visibility,
)
from registration.parties import Details

_DAY = timedelta(days=1)


def by_approval(now: datetime) -> None:
    """Two days, a room for which staff choose, and RSVPs that wait for them."""
    day = house.first(THURSDAY, now, days=45)
    event = house.new_event(
        now,
        slug="practitioners-forum",
        title=(
            "Practitioners’ Forum: Two Days of Working Sessions on Ceasefire Monitoring, "
            "Local Mediation and Community Security"
        ),
        description=(
            "For people who do this work. Tell us where you work: we choose so that each "
            "session has many kinds of experience. The opening is streamed for everybody."
        ),
        starts_at=house.at(day, 9),
        ends_at=house.at(day + _DAY, 17),
        doors_at=house.at(day, 8, 15),
    )
    house.save(
        event,
        house.room(60, needs_approval=True),
        house.stream(label="Online, opening session"),
    )
    room, stream = house.options(event)
    people = house.people(event.slug)
    house.come(people, room, 7, since=now - 10 * _DAY, until=now - timedelta(hours=3))
    house.come(people, stream, 5, since=now - 10 * _DAY, until=now - timedelta(hours=3))


def by_invitation(now: datetime) -> None:
    """For invited people and for those who have a group's code; some have said yes or no."""
    day = house.first(FRIDAY, now, days=39)
    event = house.new_event(
        now,
        slug="early-warning-roundtable",
        title="Early Warning, Early Action: A Closed Roundtable",
        visibility=Visibility.INVITATION,
        description="Under the Chatham House Rule. No recording, no stream.",
        starts_at=house.at(day, 9, 30),
        ends_at=house.at(day, 12),
        recording_notice="",
    )
    house.save(
        event,
        house.room(30),
        InvitationCode(code="ROUNDTABLE", label="Partner organisations", uses_max=8),
    )
    (room,) = house.options(event)
    people = house.people(event.slug)
    guests = [next(people) for _ in range(12)]
    sent_at = now - 15 * _DAY
    invited = _invite(guests, event, sent_at)
    for days, (guest, invitation) in enumerate(zip(guests[:4], invited, strict=False), start=1):
        at = sent_at + days * _DAY
        house.come(iter([guest]), room, 1, since=at, until=at, invitation_key=invitation.key)
    for days, invitation in enumerate(invited[4:6], start=4):
        invitations.decline(invitation_id=invitation.id, now=sent_at + days * _DAY)
    house.come(people, room, 3, since=now - 8 * _DAY, until=now - _DAY, code="ROUNDTABLE")


def _invite(guests: list[Details], event: Event, now: datetime) -> list[Invitation]:
    with transaction() as session:
        invited = [
            Invitation(
                event=event,
                event_id=event.id,
                email=guest.email,
                name=guest.name,
                organisation=guest.organisation,
                key=secrets.token_urlsafe(24),
                created_at=now,
            )
            for guest in guests
        ]
        session.add_all(invited)
        session.flush()
        for invitation in invited:
            emails.invitation(invitation, now=now)
    return invited


def addresses_confirmed(now: datetime) -> None:
    """Asks that addresses be confirmed first; two people have yet to do so."""
    day = house.first(TUESDAY, now, days=28)
    event = house.new_event(
        now,
        slug="reading-conflict-figures",
        title="Ask the Research Desk: Reading Conflict Figures",
        description="Bring a chart that puzzles you. We read it together.",
        starts_at=house.at(day, 13),
        ends_at=house.at(day, 14),
        confirms_addresses=True,
    )
    house.save(event, house.room(24), house.stream(200))
    room, stream = house.options(event)
    people = house.people(event.slug)
    for option in (room, stream):
        for answered_at in house.moments(4, since=now - 12 * _DAY, until=now - _DAY):
            (came,) = house.come(people, option, 1, since=answered_at, until=answered_at)
            answering.verify(rsvp_id=came, now=answered_at + timedelta(minutes=4))
    house.come(people, room, 2, since=now - timedelta(minutes=20), until=now)


def with_guests_and_questions(now: datetime) -> None:
    """Guests are welcome, and there is a question of each kind."""
    day = house.first(WEDNESDAY, now, days=56)
    event = house.new_event(
        now,
        slug="community-security-fair",
        title="Community Security Fair: Tools, Maps and Games That Help People Talk",
        description=(
            "Fifteen tables, each with something to try. Come with colleagues, or with family."
        ),
        starts_at=house.at(day, 16),
        ends_at=house.at(day, 19),
        guests_max=3,
        admission="Free. You may bring up to three guests.",
    )
    room, stream = house.room(150), house.stream(note="A guided tour of the tables, live.")
    house.save(event, room, stream)
    questions = _a_question_of_each_kind(room)
    house.save(event, *questions)
    _guests_and_answers(event, questions, now)


def _a_question_of_each_kind(room: AttendanceOption) -> list[Question]:
    questions = [
        Question(
            kind=QuestionKind.SHORT_TEXT,
            label="What would you like to see first?",
        ),
        Question(
            kind=QuestionKind.LONG_TEXT,
            label="Is there anything about your health that our stewards should know?",
            hint="Only the organisers see this. It is deleted after the event.",
            is_sensitive=True,
        ),
        Question(
            kind=QuestionKind.ONE_OF,
            label="How did you hear of the fair?",
            choices=["From a colleague", "By mail", "On the web", "In some other way"],
            is_required=True,
        ),
        Question(
            kind=QuestionKind.ANY_OF,
            label="Which meals would you like?",
            choices=["Coffee at 16:00", "Soup at 17:30", "Neither meat nor fish, please"],
            option_id=room.id,
        ),
        Question(
            kind=QuestionKind.YES_NO,
            label="May the people at the tables have your name?",
        ),
    ]
    for position, question in enumerate(questions):
        question.position = position
    return questions


def _guests_and_answers(event: Event, questions: list[Question], now: datetime) -> None:
    """Nine parties in the room, some with guests, and four who watch."""
    short, health, heard, meals, named = (question.id for question in questions)
    in_room, online = house.options(event)
    people, chance = house.people(event.slug), names.chance(event.slug)
    for place, moment in enumerate(
        house.moments(9, since=now - 18 * _DAY, until=now - timedelta(hours=5))
    ):
        comes_along = place % 3
        house.come(
            people,
            in_room,
            1,
            since=moment,
            until=moment,
            guests=[names.full_name(chance) for _ in range(comes_along)],
            answers={
                short: {"text": "The mapping table" if comes_along else "Whatever is new"},
                heard: {"choices": ["From a colleague" if comes_along else "By mail"]},
                meals: {"choices": ["Coffee at 16:00", "Soup at 17:30"][: place % 3]},
                named: {"yes": place % 2 == 0},
            }
            | ({health: {"text": "A nut allergy."}} if place == 4 else {}),
        )
    house.come(
        people,
        online,
        4,
        since=now - 18 * _DAY,
        until=now - _DAY,
        answers={heard: {"choices": ["On the web"]}, named: {"yes": False}},
    )


def opens_later(now: datetime) -> None:
    """Announced; RSVPs open in three weeks."""
    day = house.first(THURSDAY, now, days=96)
    opens_on = house.first(TUESDAY, now, days=21)
    event = house.new_event(
        now,
        slug="ceasefires-by-design",
        title="Ceasefires by Design: What Monitoring Missions Learn Too Late",
        description="Drafters and monitors read the same ceasefire text, line by line.",
        starts_at=house.at(day, 10),
        ends_at=house.at(day, 11, 30),
        registration_opens_at=house.at(opens_on, 10),
    )
    house.save(event, house.room(120), house.stream())


def closed(now: datetime) -> None:
    """In French and online; RSVPs closed yesterday."""
    day = house.first(TUESDAY, now, days=17)
    closes_at = house.at(house.today(now) - _DAY, 17)
    event = house.new_event(
        now,
        slug="desarmement-demobilisation-reintegration",
        title=(
            "Désarmement, démobilisation, réintégration : "
            "ce que quinze ans de programmes nous ont appris"
        ),
        language="fr",
        description=(
            "Un bilan en trois temps : rendre les armes, quitter le groupe, retrouver une place."
        ),
        starts_at=house.at(day, 9),
        ends_at=house.at(day, 10, 30),
        venue_name="",
        venue_address="",
        venue_directions="",
        venue_access="",
        venue_map_url="",
        admission="Gratuit.",
        recording_notice="La séance est enregistrée et l’enregistrement est public.",
        stream_note="En français, avec interprétation vers l’anglais",
        registration_closes_at=closes_at,
    )
    house.save(
        event,
        house.stream(500),
        StreamSource(
            position=0, label="Principale", kind=StreamKind.EMBED, url=house.FILM, is_live=True
        ),
    )
    (stream,) = house.options(event)
    people = house.people(event.slug)
    house.come(people, stream, 14, since=now - 30 * _DAY, until=closes_at)


def elsewhere(now: datetime) -> None:
    """People register behind a link of somebody else."""
    day = house.first(FRIDAY, now, days=60)
    event = house.new_event(
        now,
        slug="peace-education-conference",
        title="Conference on Peace Education",
        host="Association of Peace Educators",
        description="A guest in our house: the association holds its conference with us.",
        starts_at=house.at(day, 9),
        ends_at=house.at(day, 17),
        admission="",
        registration=RegistrationKind.EXTERNAL,
        external_url="https://example.org/peace-education/register",
    )
    house.save(event)


def without_registration(now: datetime) -> None:
    """Nobody needs to register."""
    day = house.first(FRIDAY, now, days=110)
    event = house.new_event(
        now,
        slug="open-house",
        title="Open House: An Afternoon on the Terrace",
        description="Music, short talks and a look behind the scenes. The doors are open.",
        starts_at=house.at(day, 13),
        ends_at=house.at(day, 18),
        registration=RegistrationKind.NONE,
        recording_notice="",
    )
    house.save(event)


#: What makes each event, by its slug.
EVENTS = {
    "practitioners-forum": by_approval,
    "early-warning-roundtable": by_invitation,
    "reading-conflict-figures": addresses_confirmed,
    "community-security-fair": with_guests_and_questions,
    "ceasefires-by-design": opens_later,
    "desarmement-demobilisation-reintegration": closed,
    "peace-education-conference": elsewhere,
    "open-house": without_registration,
}

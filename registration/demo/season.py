"""The season around the announcement: invented events, past, full, cancelled and to come."""

from __future__ import annotations

from datetime import datetime, timedelta

from registration import rsvps
from registration.database import transaction
from registration.demo import crowd, house
from registration.demo.house import THURSDAY, TUESDAY, WEDNESDAY
from registration.models import (
    AgendaItem,
    EventStatus,
)

_DAY = timedelta(days=1)


def recorded(now: datetime) -> None:
    """A past event with everything that a record can have."""
    day = house.first(WEDNESDAY, now, days=-32)
    event = house.new_event(
        now,
        slug="courts-without-courthouses",
        title="Courts Without Courthouses: Mobile Justice in Rural Districts",
        summary="What judges on the road can decide, and what they have to leave behind.",
        description=(
            "When the nearest court is two days away, most disputes never reach one. Mobile "
            "courts bring the bench to the market square.\n\n"
            "This panel compared three kinds of mobile courts: those that only hear criminal "
            "cases, those that settle land and family matters, and those that do both."
        ),
        starts_at=house.at(day, 14),
        ends_at=house.at(day, 15, 30),
        doors_at=house.at(day, 13, 30),
        hashtag="MobileJustice",
        hashtag_line="Continue the conversation using #MobileJustice.",
        stream_note="English, with captions in English and French",
        recording_url=house.FILM,
        recording_minutes=84,
        transcript_url="https://example.org/courts-without-courthouses/transcript",
        audio_url="https://example.org/courts-without-courthouses/audio",
        slides_url="https://example.org/courts-without-courthouses/slides.pdf",
    )
    chapters = [
        (0, "Welcome", ""),
        (7, "Three kinds of mobile courts", "Who sits, who pays, who travels"),
        (34, "What happens after the judgment", "Registers, appeals, enforcement"),
        (61, "Questions from the room and online", ""),
    ]
    agenda = [
        AgendaItem(
            starts_at=event.starts_at + timedelta(minutes=minute),
            title=title,
            note=note,
            recording_second=60 * minute,
        )
        for minute, title, note in chapters
    ]
    house.save(event, house.room(90), house.stream(), house.followed_up(event), *agenda)
    crowd.fill(event_id=event.id, in_person=74, virtual=230, now=now)
    crowd.turn_up(event_id=event.id, share=0.8)


def recorded_briefly(now: datetime) -> None:
    """A past event of which there is a recording and no more."""
    day = house.first(TUESDAY, now, days=-66)
    event = house.new_event(
        now,
        slug="counting-the-missing",
        title="Counting the Missing: Forensic Records and Families’ Right to Know",
        description="How lists of missing persons are kept, merged and, in the end, closed.",
        starts_at=house.at(day, 11),
        ends_at=house.at(day, 12),
        recording_url=house.FILM,
        recording_minutes=58,
    )
    house.save(event, house.stream(), house.followed_up(event))
    crowd.fill(event_id=event.id, in_person=0, virtual=160, now=now)
    crowd.turn_up(event_id=event.id, share=0.7)


def not_recorded(now: datetime) -> None:
    """A past event without a recording."""
    day = house.first(THURSDAY, now, days=-101)
    event = house.new_event(
        now,
        slug="the-mayors-phone",
        title="The Mayor’s Phone: Local Government in the First Hundred Days after a Ceasefire",
        description="A working lunch on who calls whom when the shooting stops.",
        starts_at=house.at(day, 12),
        ends_at=house.at(day, 13, 30),
        recording_notice="",
    )
    house.save(event, house.room(40))
    crowd.fill(event_id=event.id, in_person=36, virtual=0, now=now)
    crowd.turn_up(event_id=event.id, share=0.9)


def full(now: datetime) -> None:
    """Every seat taken; nine parties wait, five of them with a place online meanwhile."""
    day = house.first(WEDNESDAY, now, days=21)
    event = house.new_event(
        now,
        slug="letters-from-the-peace-tables",
        title="An Evening in the Reading Room: Letters from the Peace Tables",
        summary="Readings from letters that negotiators wrote home.",
        description="Readings, and a walk along the shelves. Places are few: the room is small.",
        starts_at=house.at(day, 18),
        ends_at=house.at(day, 20),
        doors_at=house.at(day, 17, 30),
    )
    house.save(event, house.room(32), house.stream(note="Live stream of the readings only."))
    room, stream = house.options(event)
    people = house.people(event.slug)
    since = now - 24 * _DAY
    seated = house.come(people, room, 32, since=since, until=now - 9 * _DAY)
    house.come(people, stream, 8, since=since, until=now - _DAY)
    house.come(
        people,
        room,
        6,
        since=now - 9 * _DAY,
        until=now - 5 * _DAY,
        meanwhile_option_id=stream,
    )
    house.come(people, room, 4, since=now - 5 * _DAY, until=now - 2 * _DAY)
    # The first who waited has moved up by now.
    rsvps.cancel(rsvp_id=seated[11], now=now - _DAY)


def cancelled(now: datetime) -> None:
    """Called off after some had answered, with the reason."""
    day = house.first(THURSDAY, now, days=14)
    event = house.new_event(
        now,
        slug="water-borders-central-asia",
        title="Water, Borders and the Next Thirty Years in Central Asia",
        description="Three rivers, five countries, and treaties that are about to run out.",
        starts_at=house.at(day, 14),
        ends_at=house.at(day, 15, 30),
    )
    house.save(event, house.room(80), house.stream())
    room, stream = house.options(event)
    people = house.people(event.slug)
    house.come(people, room, 7, since=now - 20 * _DAY, until=now - 4 * _DAY)
    house.come(people, stream, 5, since=now - 20 * _DAY, until=now - 4 * _DAY)
    with transaction() as session:
        session.add(event)
        event.status = EventStatus.CANCELLED
        event.cancelled_at = event.updated_at = now - 2 * _DAY
        event.cancellation_reason = (
            "Our partners cannot travel in that week. We are looking for a new date."
        )
        event.ical_sequence += 1
        event.revision += 1


def draft(now: datetime) -> None:
    """Not announced yet."""
    day = house.first(TUESDAY, now, days=75)
    event = house.new_event(
        now,
        slug="who-guards-the-guards",
        title="Who Guards the Guards? Oversight after the Transition",
        status=EventStatus.DRAFT,
        description="*Text to come from the programme team.*",
        starts_at=house.at(day, 11),
        ends_at=house.at(day, 12, 15),
    )
    house.save(event, house.room(120), house.stream(500))


#: What makes each event, by its slug.
EVENTS = {
    "courts-without-courthouses": recorded,
    "counting-the-missing": recorded_briefly,
    "the-mayors-phone": not_recorded,
    "letters-from-the-peace-tables": full,
    "water-borders-central-asia": cancelled,
    "who-guards-the-guards": draft,
}

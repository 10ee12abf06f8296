"""The announcement: an event with six people and four publications, word for word."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from registration import rsvps
from registration.demo import crowd, house, names
from registration.models import (
    AgendaItem,
    Event,
    Publication,
    Question,
    QuestionKind,
    Speaker,
    SpeakerRole,
    StreamKind,
    StreamSource,
)

SLUG = "policing-in-conflict"
TITLE = "Policing in Conflict"

DESCRIPTION = "\n\n".join(
    [
        (
            "Both during and after conflict, police play a vital role in restoring "
            "public security and rebuilding local capacity to uphold the rule of "
            "law. But local law enforcement may sometimes be unable or unwilling to "
            "provide policing services in conflict-affected settings, which means "
            "the international community is often called on to fill the security "
            "gap. To do so, the international community requires the ability to "
            "rapidly deploy policing experts and calibrate the capacities and "
            "mandates of policing missions to the demands of volatile environments."
        ),
        (
            "To better tailor these police interventions, international actors "
            "including NATO and the U.N. have examined past efforts — such as those "
            "in Bosnia and Herzegovina as well as Afghanistan — to develop "
            "specialized models for policing and police capacity-building in "
            "conflict-affected settings."
        ),
        (
            "On December 6, USIP hosted an in-person and virtual conversation that "
            "explored how past international policing and reform efforts make the "
            "case for specialized policing interventions, what these specialized "
            "models look like in practice, and how they could be applied to current "
            "and emerging conflicts."
        ),
    ]
)
HASHTAG = "PolicingInConflict"
HASHTAG_LINE = "Continue the conversation on Twitter using #PolicingInConflict."

#: Name, title, affiliation; the last one moderates.
PEOPLE = [
    ("Lise Grande", "President and CEO", "U.S. Institute of Peace"),
    (
        "Col. Giuseppe De Magistris",
        "Director",
        "NATO Stability Policing Centre of Excellence",
    ),
    (
        "Jaswant Lal",
        "Officer-in-Charge, Strategic Policy and Development Section",
        "U.N. Police Division",
    ),
    ("John F. Sopko", "Special Inspector General for Afghanistan Reconstruction", ""),
    ("Amb. Lars-Gunnar Wigemark", "Head of Mission", "EULEX Kosovo"),
    (
        "Philippe Leroux-Martin",
        "Director, Governance, Justice and Security",
        "U.S. Institute of Peace",
    ),
]

_JUSTICE = "Justice, Security & Rule of Law"


def make(now: datetime) -> None:
    """Announce the event for the next 6 December, with a room that is two thirds taken."""
    day = _next_day(now)
    starts_at = house.at(day, 10)
    closes_at = house.at(day - timedelta(days=1), 17)
    event = house.new_event(
        now,
        slug=SLUG,
        title=TITLE,
        summary=(
            "Six practitioners on what specialized policing models look like in practice, "
            "and where they could be applied next."
        ),
        description=DESCRIPTION,
        starts_at=starts_at,
        ends_at=house.at(day, 11, 30),
        doors_at=house.at(day, 9, 15),
        hashtag=HASHTAG,
        hashtag_line=HASHTAG_LINE,
        publications_url="https://www.usip.org/publications",
        # On its last day it is the stream alone that matters: better open than over.
        registration_closes_at=closes_at if closes_at > now else None,
        venue_access=house.access_notes(day),
    )
    room, stream = house.room(120), house.stream()
    house.save(
        event, room, stream, *_people(day, now), *_agenda(day), *_publications(), *_streams()
    )
    house.save(
        event,
        Question(
            position=0,
            kind=QuestionKind.LONG_TEXT,
            label="What should the panel talk about?",
            hint="The moderator reads these before the event.",
        ),
    )
    _fill(event, now)


def _next_day(now: datetime) -> date:
    """The next 6 December on which the event has not begun."""
    this_year = date(now.astimezone(ZoneInfo(house.ZONE)).year, 12, 6)
    return this_year if house.at(this_year, 10) > now else this_year.replace(this_year.year + 1)


def _people(day: date, now: datetime) -> list[Speaker]:
    """The six, with addresses at which nobody reads, so that they can be invited."""
    people = []
    for position, (name, title, affiliation) in enumerate(PEOPLE):
        is_last = position == len(PEOPLE) - 1
        people.append(
            Speaker(
                position=position,
                name=name,
                title=title,
                affiliation=affiliation,
                role=SpeakerRole.MODERATOR if is_last else SpeakerRole.SPEAKER,
                email=names.address(name),
                key=secrets.token_urlsafe(24),
                ical_uid=house.new_uid(),
                call_at=house.at(day, 9, 15),
                answer_by=max(
                    house.at(day - timedelta(days=14), 17),
                    house.at(house.today(now) + timedelta(days=3), 17),
                ),
                room="Green room, entrance on 23rd Street",
            )
        )
    return people


def _agenda(day: date) -> list[AgendaItem]:
    speakers = ", ".join(name for name, _title, _affiliation in PEOPLE[1:-1])
    return [
        AgendaItem(starts_at=house.at(day, 10), title="Welcome", note=PEOPLE[0][0]),
        AgendaItem(
            starts_at=house.at(day, 10, 10),
            title="Panel discussion",
            note=f"{speakers}; moderated by {PEOPLE[-1][0]}",
        ),
        AgendaItem(
            starts_at=house.at(day, 11, 5),
            title="Your questions",
            note="From the room and online",
        ),
        AgendaItem(starts_at=house.at(day, 11, 30), title="Close"),
    ]


def _streams() -> list[StreamSource]:
    """Two films of the player's own documentation stand in for stream and backup."""
    return [
        StreamSource(
            position=0,
            label="Main stream",
            kind=StreamKind.EMBED,
            url=house.FILM,
            is_live=True,
        ),
        StreamSource(
            position=1,
            label="Backup stream",
            kind=StreamKind.EMBED,
            url="https://www.youtube-nocookie.com/embed/ScMzIvxBSi4",
        ),
    ]


def _publications() -> list[Publication]:
    """Each once, though its title stands twice in the announcement."""
    haiti = Publication(
        position=3,
        title="Mapping Haiti’s Road Toward Justice: Lessons from Colombia and Guatemala",
        abstract=(
            "Haiti’s new interim government faces immense challenges, but none are as "
            "urgent as breaking the stranglehold that gangs have over the country’s "
            "capital, Port au Prince. Force alone will not bring peace, even with the "
            "arrival of the modestly-sized and Kenyan-led multinational security support "
            "mission. The country instead requires creative, whole-of-society — not just "
            "whole-of-government — mechanisms to divert gang members from crime and "
            "violence as part of a comprehensive counter-gang strategy."
        ),
        published_on=date(2024, 7, 10),
        type="Analysis",
        topics=[_JUSTICE, "Reconciliation"],
    )
    return [
        Publication(
            position=0,
            title="The Future of the Security Sector in Ukraine",
            abstract=(
                "The aim of this report is to present practical options for advancing "
                "Ukraine’s security sector capabilities to consolidate peace and stability "
                "as the country transitions from war to peace; the United States Institute "
                "of Peace does not take specific policy positions or advocate for specific "
                "forms of assistance. Although winning the war rightly remains Ukraine’s "
                "highest priority, this report focuses on the security sector issues at the "
                "heart of the country’s ability to win the peace. These include tackling "
                "corruption; holding the perpetrators of war crimes accountable; integrating "
                "veterans into society; and strengthening civilian security."
            ),
            published_on=date(2024, 10, 17),
            type="Report",
            topics=["Conflict Analysis & Prevention", _JUSTICE],
        ),
        Publication(
            position=1,
            title="What an ICC Case on Mali Means for Prosecuting Taliban Gender Crimes",
            abstract=(
                "Since the Taliban took power in August 2021, the situation for Afghan women "
                "and girls has dramatically deteriorated. Yet there has been little "
                "international action, as many in the international community lament the "
                "lack of legal, and other, avenues to hold the Taliban accountable for these "
                "draconian measures. However, a recent case at the International Criminal "
                "Court (ICC) may provide a legal roadmap to prosecute the Taliban."
            ),
            published_on=date(2024, 9, 18),
            type="Analysis",
            topics=["Gender", "Human Rights", _JUSTICE],
        ),
        Publication(
            position=2,
            title=(
                "Cartographie du chemin de la justice en Haïti : Leçons de la Colombie et du "
                "Guatemala"
            ),
            abstract=(
                "Le nouveau gouvernement intérimaire d'Haïti fait face à des défis immenses, "
                "mais aucun n'est aussi urgent que de briser l'emprise des gangs sur la "
                "capitale du pays, Port-au-Prince. La force seule ne suffira pas à apporter "
                "la paix, même avec l'arrivée de la mission multinationale de soutien à la "
                "sécurité dirigée par le Kenya, de taille modeste. Le pays a plutôt besoin "
                "de mécanismes créatifs et globaux impliquant toute la société — et non "
                "seulement l'ensemble du gouvernement — pour détourner les membres des gangs "
                "du crime et de la violence dans le cadre d'une stratégie globale de lutte "
                "contre les gangs."
            ),
            published_on=date(2024, 7, 10),
            type="Analysis",
            topics=[_JUSTICE, "Reconciliation"],
            language="fr",
            translation_of=haiti,
        ),
        haiti,
    ]


def _fill(event: Event, now: datetime) -> None:
    """83 in the room: a few by the verbs, so that mails are there to be seen, then the many."""
    room, stream = house.options(event)
    people = house.people(SLUG)
    since = now - timedelta(days=40)
    seated = house.come(people, room, 12, since=since, until=now - timedelta(days=20))
    house.come(people, stream, 6, since=since, until=now - timedelta(days=20))
    rsvps.cancel(rsvp_id=seated[3], now=now - timedelta(days=6))
    rsvps.switch(rsvp_id=seated[7], option_id=stream, now=now - timedelta(days=4))
    crowd.fill(event_id=event.id, in_person=73, virtual=140, now=now)

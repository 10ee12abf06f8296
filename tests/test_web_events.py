"""The list of events and the page of one, as everybody sees them."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from PIL import Image, ImageDraw

from registration import cards, events, lifecycle
from registration.database import db
from registration.models import (
    AgendaItem,
    AttendanceMode,
    Event,
    EventStatus,
    Publication,
    RegistrationKind,
    SpeakerStatus,
    Visibility,
)
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_option,
    make_question,
    make_rsvp,
    make_speaker,
    save,
)


def words(client: FlaskClient, path: str) -> str:
    """The page with each run of white space as one space."""
    return " ".join(client.get(path).text.split())


class TestList:
    def test_shows_what_is_in_a_room_or_online_alone(self, client: FlaskClient):
        make_option(make_event(title="A seminar"))
        make_option(make_event(title="A webinar"), mode=AttendanceMode.VIRTUAL)
        make_hybrid(title="A hybrid")
        for way, out in (("in-person", "A webinar"), ("online", "A seminar"), ("x", "")):
            page = words(client, f"/?way={way}")
            titles = {title for title in ("A seminar", "A webinar", "A hybrid") if title in page}
            assert titles == {"A seminar", "A webinar", "A hybrid"} - {out}

    def test_a_search_finds_what_is_coming_and_what_is_over(self, client: FlaskClient):
        make_hybrid(title="Policing to come")
        make_event(
            title="Policing of old",
            starts_at=NOW - timedelta(days=9, hours=1),
            ends_at=NOW - timedelta(days=9),
        )
        make_hybrid(title="Water and borders")
        make_event(title="Policing in secret", visibility=Visibility.UNLISTED)
        page = words(client, "/?q=policing")
        assert "Policing to come" in page
        assert "Policing of old" in page
        assert "Water and borders" not in page
        assert "Policing in secret" not in page

    def test_the_event_that_stands_out_is_the_next_one_that_takes_place(self, client: FlaskClient):
        soon = {"starts_at": NOW + timedelta(days=1), "ends_at": NOW + timedelta(days=1, hours=1)}
        make_event(title="Called off", status=EventStatus.CANCELLED, **soon)
        make_event(title="Next")
        make_event(title="Later")
        marked = re.findall(
            r'<li class="entry entry--next">.*?<h3[^>]*><a[^>]*>(.*?)</a>', words(client, "/")
        )
        assert marked == ["Next"]

    def test_a_search_that_finds_nothing_says_so(self, client: FlaskClient):
        make_hybrid(title="Water and borders")
        page = words(client, "/?q=policing")
        assert "No coming event mentions it." in page
        assert "No past event mentions it." in page

    def test_a_house_whose_first_event_is_to_come_says_that_none_has_ended(
        self, client: FlaskClient
    ):
        make_event()
        assert "No event has ended yet." in words(client, "/")

    def test_a_search_finds_a_speaker_of_what_is_coming(self, client: FlaskClient):
        room, _ = make_hybrid(title="A panel")
        make_speaker(room.event, name="Amina Okonkwo-Bell")
        assert "A panel" in words(client, "/?q=okonkwo")

    @pytest.mark.parametrize("typed", ["securite", "SÉCURITÉ", "lodz", "emile", "œuvre", "oeuvre"])
    def test_a_search_minds_neither_accents_nor_capitals(self, client: FlaskClient, typed: str):
        event = make_event(
            title="L’État et la sécurité", venue_name="ŁÓDŹ", description="Une œuvre"
        )
        make_speaker(event, name="Émile Zola")
        make_event(title="Water and borders")
        page = words(client, f"/?q={typed}")
        assert "L’État et la sécurité" in page
        assert "Water and borders" not in page

    def test_a_search_finds_what_was_changed_by_what_it_says_now(self, client: FlaskClient):
        event = make_event(title="Policing")
        person = make_speaker(event, name="Amina")
        work = save(Publication(event_id=event.id, position=0, title="Report", topics=["Law"]))
        event.title, person.name, work.topics = "Patrols", "Zoë", ["Peace"]
        db.session.commit()
        for typed in ("policing", "amina", "law"):
            assert "No coming event mentions it." in words(client, f"/?q={typed}")
        for typed in ("patrols", "zoe", "peace", "report"):
            assert "Patrols" in words(client, f"/?q={typed}")

    def test_no_search_tells_who_will_not_come(self, client: FlaskClient):
        make_speaker(make_event(), name="Amina", status=SpeakerStatus.DECLINED)
        assert "No coming event mentions it." in words(client, "/?q=amina")

    def test_events_without_an_rsvp_say_how_one_comes(self, client: FlaskClient):
        make_event(registration=RegistrationKind.EXTERNAL, external_url="https://example.org/")
        make_event(registration=RegistrationKind.NONE)
        page = words(client, "/")
        assert "Registration on another site" in page
        assert "No registration is needed" in page

    def test_an_event_that_cannot_be_attended_yet_says_so(self, client: FlaskClient):
        make_event()
        assert "RSVPs are not open yet" in words(client, "/")

    def test_two_days_are_named_both(self, client: FlaskClient):
        make_event(starts_at=NOW + timedelta(days=1), ends_at=NOW + timedelta(days=2))
        assert "Tue–Wed" in words(client, "/")

    def test_a_night_is_named_by_its_evening(self, client: FlaskClient):
        new_year = datetime(2027, 1, 1, 2, tzinfo=ZoneInfo("America/New_York"))
        event = make_event(starts_at=new_year - timedelta(hours=5), ends_at=new_year)
        assert '<p class="date">Thu<b>31</b></p>' in client.get("/").text
        page = words(client, f"/events/{event.slug}")
        assert 'Thursday</strong></span><span><span class="sr">31 </span>December 2026' in page
        assert "31 December, 9:00 p.m. – 1 January" in page, "when it ends is said beside it"


class TestPage:
    @pytest.mark.parametrize("host", ["", "Association of Educators"])
    def test_says_who_organises_it_where_that_is_not_the_house(
        self, client: FlaskClient, host: str
    ):
        make_event(slug="conference", host=host)
        said = (
            f"<dt>Organised by</dt><dd><bdi>{host}</bdi>" in client.get("/events/conference").text
        )
        assert said is bool(host)

    def test_the_zone_of_a_place_between_the_hours_is_told_to_the_minute(self, client: FlaskClient):
        for slug, zone, name in [
            ("nepal", "Asia/Kathmandu", "UTC+5:45"),
            ("marquesas", "Pacific/Marquesas", "UTC-9:30"),
            ("riyadh", "Asia/Riyadh", "UTC+3<"),
        ]:
            make_event(slug=slug, time_zone=zone)
            assert name in client.get(f"/events/{slug}").text

    def test_the_last_seat_is_one_of_many_seats(self, client: FlaskClient):
        event = make_event(slug="nearly")
        make_option(event, capacity=120, seats_taken=119)
        make_option(event, capacity=9, seats_taken=8, mode=AttendanceMode.VIRTUAL)
        page = words(client, "/events/nearly")
        assert "1 of 120 seats left" in page
        assert "1 of 9 places left" in page

    def test_the_only_seat_is_one(self, client: FlaskClient):
        event = make_event(slug="tiny")
        make_option(event, capacity=1)
        make_option(event, capacity=1, mode=AttendanceMode.VIRTUAL)
        page = words(client, "/events/tiny")
        assert "1 of 1 seat left" in page
        assert "1 of 1 place left" in page

    @pytest.mark.parametrize("contact", ["", "events@example.org"])
    def test_nobody_is_asked_to_write_to_who_has_no_address(
        self, client: FlaskClient, contact: str
    ):
        event = make_event(slug="closed", contact_email=contact)
        make_option(event, closes_at=NOW - timedelta(hours=1))
        full = make_event(
            slug="full", contact_email=contact, promotion_closes_at=NOW - timedelta(hours=1)
        )
        make_rsvp(make_option(full, capacity=1))
        for slug, reason in (("closed", "RSVPs closed on"), ("full", "Every seat is taken.")):
            page = words(client, f"/events/{slug}")
            assert reason in page
            assert ("Write to us" in page) is bool(contact)

    def test_only_who_has_somewhere_to_come_is_told_to_come(self, client: FlaskClient):
        open_house = {"registration": RegistrationKind.NONE}
        make_event(slug="hall", **open_house)
        make_event(slug="nowhere", venue_name="", venue_address="", **open_house)
        assert "No registration is needed. Just come." in words(client, "/events/hall")
        page = words(client, "/events/nowhere")
        assert "No registration is needed." in page
        assert "Just come." not in page

    def test_of_a_cancelled_event_without_rsvps_nobody_is_told(self, client: FlaskClient):
        make_event(slug="off", registration=RegistrationKind.NONE, status=EventStatus.CANCELLED)
        page = words(client, "/events/off")
        assert "This event has been cancelled." in page
        assert "is told by mail" not in page

    def test_a_title_from_the_right_keeps_the_date_beside_it_whole(self, client: FlaskClient):
        make_hybrid(slug="nadwa", title="ندوة", status=EventStatus.CANCELLED)
        page = html.unescape(words(client, "/events/nadwa").replace("\xa0", " "))
        assert "<title>Cancelled: \u2068ندوة\u2069, 6 December 2026 – " in page

    def test_an_event_by_invitation_says_so_also_before_rsvps_open(self, client: FlaskClient):
        opens = {"registration_opens_at": NOW + timedelta(days=1)}
        make_hybrid(slug="ours", visibility=Visibility.INVITATION, **opens)
        make_hybrid(slug="all", **opens)
        assert "This event is by invitation." in words(client, "/events/ours")
        assert "This event is by invitation." not in words(client, "/events/all")

    def test_nobody_is_sent_to_a_waitlist_that_has_closed(self, client: FlaskClient):
        event = make_event(slug="tight", promotion_closes_at=NOW - timedelta(hours=1))
        room = make_option(event, capacity=1)
        make_rsvp(room)
        for path in ("/", "/events/tight"):
            page = words(client, path)
            assert ">Full<" in page
            assert "join the waitlist" not in page.lower()
        page = words(client, "/events/tight")
        assert "Every seat is taken. The waitlist has closed as well." in page
        assert 'href="/events/tight/rsvp' not in page, "there is nothing to answer"
        make_option(event, mode=AttendanceMode.VIRTUAL)
        page = words(client, "/events/tight")
        assert ">Full<" in page
        assert 'href="/events/tight/rsvp">RSVP</a>' in page, "one may still watch"

    def test_ways_with_windows_of_their_own_say_when_they_open_and_closed(
        self, client: FlaskClient
    ):
        event = make_event(slug="windows")
        room = make_option(event, opens_at=NOW + timedelta(days=2))
        assert "RSVPs open on 25 November, 7:00" in words(client, "/events/windows")
        room.opens_at, room.closes_at = None, NOW - timedelta(days=2)
        save(room)
        assert "RSVPs closed on 21 November, 7:00" in words(client, "/events/windows")
        form = words(client, "/events/windows/rsvp")
        assert "RSVPs are closed" in form
        assert "They closed on Saturday 21 November 2026" in form

    def test_directions_are_markdown_on_the_page_and_on_the_ticket(self, client: FlaskClient):
        room, _ = make_hybrid(slug="far", venue_directions="By [tram 12](https://example.org/12).")
        link = 'By <a href="https://example.org/12"'
        assert link in client.get("/events/far").text
        assert link in client.get(f"/rsvp/{make_rsvp(room).manage_key}").text

    def test_sentences_about_an_option_stand_apart(self, client: FlaskClient):
        event = make_event(slug="full", doors_at=NOW + timedelta(days=13))
        make_option(event, capacity=0, waiting=3, needs_approval=True)
        page = words(client, "/events/full")
        assert ". 3 parties are waiting. The organisers approve each RSVP." in page

    def test_a_note_without_its_full_stop_does_not_run_into_what_follows(self, client: FlaskClient):
        option = make_option(make_event(slug="press"), note="For the press", needs_approval=True)
        after = "The organisers approve each RSVP."
        assert f"For the press.</span> {after}" in words(client, "/events/press")
        form = words(client, f"/events/press/rsvp?attend={option.id}")
        assert f"For the press. {after}" in form

    def test_the_bar_of_a_phone_counts_ways_to_attend_that_are_many(self, client: FlaskClient):
        room, _stream = make_hybrid(slug="many")
        bar = client.get("/events/many").text.partition('class="bar"')[2]
        assert "In person: " in bar
        make_option(room.event, label="Press seats")
        bar = client.get("/events/many").text.partition('class="bar"')[2]
        assert "3 ways to attend" in bar
        assert "In person: " not in bar

    def test_the_bar_of_a_phone_keeps_its_order_around_a_name_from_the_right(
        self, client: FlaskClient
    ):
        option = make_option(make_event(), label="حضوريا", capacity=20)
        page = client.get(f"/events/{option.event.slug}").text
        assert "<span>\u2068حضوريا\u2069: 20 of 20 seats left</span>" in page

    def test_shows_what_speakers_wrote_about_themselves(self, client: FlaskClient):
        event = make_event(slug="panel")
        make_speaker(event, name="Amina Okonkwo-Bell", bio="Teaches law.\n<b>Walks</b> a lot.")
        page = words(client, "/events/panel")
        assert "Teaches law." in page
        assert "&lt;b&gt;Walks" in page

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("Amb. Lars-Gunnar Wigemark", "LW"),
            ("Ana (Anita)", "AA"),
            ("2א", "א"),
            ("ʻOkina Kapu", "OK"),
            ("نورة العلي", "نا"),
            ("ნინო ბერიძე", "ნბ"),
            ("ßtein", "S"),
            ("42", "4"),
        ],
    )
    def test_shows_the_letters_of_a_name_in_place_of_a_portrait(
        self, client: FlaskClient, name: str, shown: str
    ):
        event = make_event()
        make_speaker(event, name=name, photo="")
        page = client.get(f"/events/{event.slug}").text
        found = re.findall(r'class="face[^>]*>([^<]*)<', page)
        assert found == [shown]

    def test_is_shared_with_its_hashtag(self, client: FlaskClient):
        make_hybrid(slug="talk", title="Policing in Conflict", hashtag="PolicingUSIP")
        page = html.unescape(words(client, "/events/talk"))
        link = re.search(r'"(https://twitter\.com/intent/tweet\?[^"]*)"', page)
        assert link is not None
        assert parse_qs(urlsplit(link[1]).query) == {
            "text": ["Policing in Conflict"],
            "url": ["http://events.example.org/events/talk"],
            "hashtags": ["PolicingUSIP"],
        }

    def test_can_be_shared_without_a_hashtag(self, client: FlaskClient):
        make_hybrid(slug="plain")
        page = words(client, "/events/plain")
        assert "Tell others" in page
        assert "linkedin.com" in page

    @pytest.mark.parametrize("visibility", list(Visibility))
    def test_is_found_by_search_engines_if_it_is_listed(
        self, client: FlaskClient, visibility: Visibility
    ):
        make_hybrid(slug="some", visibility=visibility)
        is_hidden = '<meta name="robots" content="noindex">' in words(client, "/events/some")
        assert is_hidden is (visibility is not Visibility.PUBLIC)

    def test_of_an_unlisted_event_does_not_ask_to_be_shared(self, client: FlaskClient):
        make_hybrid(slug="quiet", visibility=Visibility.UNLISTED)
        assert "Tell others" not in words(client, "/events/quiet")

    def test_says_that_it_is_on_and_where_the_way_in_is(self, client: FlaskClient):
        make_hybrid(
            slug="on", starts_at=NOW - timedelta(minutes=5), ends_at=NOW + timedelta(hours=1)
        )
        assert "It is on now." in words(client, "/events/on")
        make_hybrid(slug="later")
        assert "It is on now." not in words(client, "/events/later")

    @pytest.mark.parametrize("recording", ["", "https://example.org/recording"])
    def test_shows_what_stays_with_a_recording_or_without(
        self, client: FlaskClient, recording: str
    ):
        stays = {
            f"{name}_url": f"https://example.org/{name}"
            for name in ("transcript", "audio", "slides")
        }
        times = {"starts_at": NOW - timedelta(hours=3), "ends_at": NOW - timedelta(hours=1)}
        make_event(slug="past", recording_url=recording, **stays, **times)
        page = words(client, "/events/past")
        for address in stays.values():
            assert f'href="{address}"' in page
        assert ("Watch the recording" in page) is bool(recording)
        assert "It was not recorded." not in page, "it can be heard"

    def test_waits_for_the_recording_that_was_announced(self, client: FlaskClient):
        times = {
            "starts_at": NOW - timedelta(days=2, hours=1),
            "ends_at": NOW - timedelta(days=2),
        }
        make_hybrid(slug="filmed", recording_notice="The event is recorded.", **times)
        make_hybrid(slug="unfilmed", recording_notice="", **times)
        assert "Its recording will be here." in words(client, "/events/filmed")
        # Who films may say so only afterwards: it is too soon for "not recorded".
        assert "recorded" not in words(client, "/events/unfilmed")
        long_ago = {name: at - timedelta(days=13) for name, at in times.items()}
        make_hybrid(slug="never", **long_ago)
        assert "It was not recorded." in words(client, "/events/never")
        listed = words(client, "/")
        assert "Recording to follow" in listed
        assert listed.count("Not recorded") == 1

    def test_says_of_what_took_weeks_when_it_ended(self, client: FlaskClient):
        ends_at = NOW - timedelta(days=2)
        make_event(slug="weeks", starts_at=ends_at - timedelta(days=21), ends_at=ends_at)
        page = words(client, "/events/weeks").replace("\xa0", " ")
        assert "from Saturday 31 October 2026 to Saturday 21 November 2026." in page


def properties(client: FlaskClient, path: str) -> dict[str, str]:
    """What a page says of itself to networks that show it: name or property, and content."""
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', words(client, path))
    return {name: html.unescape(content) for name, content in found}


def record(client: FlaskClient, path: str) -> dict[str, Any]:
    """The page's JSON-LD."""
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', client.get(path).text)
    assert found is not None
    return json.loads(found[1])


class TestPicture:
    def test_has_the_size_that_networks_ask_for(self, client: FlaskClient):
        make_hybrid(slug="policing", title="Policing in Conflict")
        said = properties(client, "/events/policing")
        assert said["twitter:card"] == "summary_large_image"
        assert said["og:image:alt"].startswith("Policing in Conflict, ")
        assert said["og:locale"] == "en_GB"
        answer = client.get(said["og:image"].removeprefix("http://events.example.org"))
        assert answer.content_type == "image/png"
        assert "public" in answer.headers["Cache-Control"]
        picture = Image.open(io.BytesIO(answer.data))
        assert picture.size == (1200, 630)
        # It is not empty: there is ink on the paper.
        assert len(picture.getcolors(maxcolors=1 << 20) or ()) > 50

    def test_has_another_address_when_it_says_something_else(self, client: FlaskClient):
        make_hybrid(slug="one", title="One")
        make_hybrid(slug="two", title="Two")
        addresses = {properties(client, f"/events/{slug}")["og:image"] for slug in ("one", "two")}
        assert len({address.partition("?")[2] for address in addresses}) == 2

    def test_of_a_cancelled_event_is_beside_words_that_say_so(self, client: FlaskClient):
        make_hybrid(slug="off", title="Policing <in> Conflict", status=EventStatus.CANCELLED)
        said = properties(client, "/events/off")
        words_of_it = "Cancelled: Policing <in> Conflict, 6 December 2026"
        assert said["og:title"] == said["og:image:alt"] == words_of_it
        page = html.unescape(client.get("/events/off").text.replace("\xa0", " "))
        assert f"<title>{words_of_it} – " in page

    def test_of_a_draft_is_nobodys(self, client: FlaskClient):
        make_event(slug="draft", status=EventStatus.DRAFT)
        assert client.get("/events/draft/card.png").status_code == 404

    def test_shows_that_a_host_s_name_is_longer(self, monkeypatch: pytest.MonkeyPatch):
        said: list[str] = []
        text = ImageDraw.ImageDraw.text
        monkeypatch.setattr(
            ImageDraw.ImageDraw,
            "text",
            lambda draw, at, words, *rest, **more: (
                said.append(words) or text(draw, at, words, *rest, **more)
            ),
        )
        cards.png(
            cards.Card(host="Institute of " * 9, day="6", weekday="", month="", title="", when="")
        )
        assert said[0].endswith("…")

    @pytest.mark.parametrize(
        "title",
        ["", "العمل الشرطي في مناطق النزاع", "日本語 \u200f\n", "\ud7ff🎉", "W" * 500, "a " * 250],
        ids=["none", "from the right", "unseen signs", "no font", "one word", "many words"],
    )
    def test_takes_any_title(self, title: str):
        card = cards.Card(
            host=title, day="30–1", weekday=title, month=title, title=title, when=title
        )
        assert Image.open(io.BytesIO(cards.png(card))).size == (1200, 630)


class TestRecord:
    def test_says_nothing_of_a_speakers_position_that_is_not_known(self, client: FlaskClient):
        room, _ = make_hybrid(slug="policing")
        make_speaker(room.event, name="Amina Okonkwo-Bell", title="", affiliation="")
        told = record(client, "/events/policing")
        assert told["performer"] == [{"@type": "Person", "name": "Amina Okonkwo-Bell"}]

    def test_says_that_one_may_come_or_watch(self, client: FlaskClient):
        room, _ = make_hybrid(
            slug="policing", title="</script><b>", doors_at=NOW + timedelta(days=13)
        )
        make_speaker(room.event, name="Amina Okonkwo-Bell")
        told = record(client, "/events/policing")
        assert told["@context"] == "https://schema.org"
        assert told["@type"] == "Event"
        assert told["name"] == "</script><b>"
        assert told["eventAttendanceMode"] == "https://schema.org/MixedEventAttendanceMode"
        assert told["eventStatus"] == "https://schema.org/EventScheduled"
        starts_at, ends_at, doors_at = (
            datetime.fromisoformat(told[name]) for name in ("startDate", "endDate", "doorTime")
        )
        assert doors_at < starts_at < ends_at
        assert [place["@type"] for place in told["location"]] == ["Place", "VirtualLocation"]
        assert told["performer"][0]["name"] == "Amina Okonkwo-Bell"
        assert told["image"][0].startswith("http://events.example.org/events/policing/card.png")
        for offer in told["offers"]:
            assert offer["availability"] == "https://schema.org/InStock"

    @pytest.mark.parametrize(
        ("modes", "said", "places"),
        [
            (["in_person"], "Offline", ["Place"]),
            (["virtual"], "Online", ["VirtualLocation"]),
            (["virtual", "virtual"], "Online", ["VirtualLocation"]),
            (["virtual", "in_person"], "Mixed", ["Place", "VirtualLocation"]),
        ],
    )
    def test_says_in_which_ways_one_attends(
        self, client: FlaskClient, modes: list[str], said: str, places: list[str]
    ):
        event = make_event(slug="policing", venue_name="" if "in_person" not in modes else "Hall")
        for mode in modes:
            make_option(event, mode=mode)
        told = record(client, "/events/policing")
        assert told["eventAttendanceMode"] == f"https://schema.org/{said}EventAttendanceMode"
        assert [place["@type"] for place in told["location"]] == places

    def test_says_of_each_way_whether_a_place_is_to_be_had(self, client: FlaskClient):
        room, _stream = make_hybrid(slug="policing", capacity=1)
        make_rsvp(room)
        offers = record(client, "/events/policing")["offers"]
        said = [offer["availability"].removeprefix("https://schema.org/") for offer in offers]
        assert said == ["SoldOut", "InStock"]

    def test_says_what_is_written_without_its_signs(self, client: FlaskClient):
        text = "A *panel* of [four](https://example.org/four).\n\n" + "Words " * 200
        make_event(slug="policing", description=text)
        told = record(client, "/events/policing")["description"]
        assert told.startswith("A panel of four")
        assert "*" not in told
        assert len(told) <= 500

    @pytest.mark.parametrize(
        "admission", ["Free.", "free admission", "Free. You may bring guests.", "Entrée libre !"]
    )
    def test_says_that_it_is_free_where_that_is_written(self, client: FlaskClient, admission: str):
        make_hybrid(slug="open", admission=admission)
        told = record(client, "/events/open")
        assert told["isAccessibleForFree"] is True
        assert [offer["price"] for offer in told["offers"]] == [0, 0]
        assert not any("priceCurrency" in offer for offer in told["offers"])

    @pytest.mark.parametrize(
        "admission", ["", "$40 at the door.", "Free for members.", "Free, for students."]
    )
    def test_says_no_price_that_nobody_has_written(self, client: FlaskClient, admission: str):
        make_hybrid(slug="open", admission=admission)
        told = record(client, "/events/open")
        assert "isAccessibleForFree" not in told
        assert [set(offer) & {"price", "priceCurrency"} for offer in told["offers"]] == [set()] * 2

    def test_says_where_one_registers_elsewhere(self, client: FlaskClient):
        there = "https://example.org/register"
        make_event(slug="guest", registration=RegistrationKind.EXTERNAL, external_url=there)
        assert record(client, "/events/guest")["offers"] == [{"@type": "Offer", "url": there}]

    def test_offers_nothing_where_no_registration_is_needed(self, client: FlaskClient):
        make_hybrid(slug="open", admission="Free.", registration=RegistrationKind.NONE)
        told = record(client, "/events/open")
        assert ("offers" in told, told["isAccessibleForFree"]) == (False, True)

    def test_offers_nothing_of_what_is_cancelled(self, client: FlaskClient):
        make_hybrid(slug="off", status=EventStatus.CANCELLED)
        told = record(client, "/events/off")
        assert told["eventStatus"] == "https://schema.org/EventCancelled"
        assert "offers" not in told
        assert told["startDate"]

    def test_offers_nothing_of_what_is_over(self, client: FlaskClient):
        there = "https://example.org/register"
        kind = RegistrationKind.EXTERNAL
        make_event(
            slug="past", starts_at=NOW - timedelta(days=3), registration=kind, external_url=there
        )
        assert "offers" not in record(client, "/events/past")

    def test_names_the_player_of_its_recording(self, client: FlaskClient):
        page = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
        starts_at = NOW - timedelta(days=3)
        make_event(slug="past", starts_at=starts_at, recording_url=page)
        player = "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"
        assert record(client, "/events/past")["recordedIn"]["embedUrl"] == player

    def test_says_that_it_is_off(self, client: FlaskClient):
        make_event(slug="off", status=EventStatus.CANCELLED)
        told = record(client, "/events/off")
        assert told["eventStatus"] == "https://schema.org/EventCancelled"

    def test_says_from_when_it_was_moved_once_it_was_announced(self, client: FlaskClient):
        room, _ = make_hybrid(slug="moved", status=EventStatus.DRAFT)
        event = room.event
        drafted, length = event.starts_at, event.ends_at - event.starts_at
        for hours, days in enumerate((1, 2, 3, 4)):
            moment = NOW + timedelta(hours=hours)
            if days == 2:
                lifecycle.publish(event_id=event.id, staff_id=None, now=moment)
                assert record(client, "/events/moved")["eventStatus"].endswith("/EventScheduled")
            starts_at = drafted + timedelta(days=days)
            edit(event, moment, starts_at=starts_at, ends_at=starts_at + length)
        other = make_event()
        edit(other, moment, starts_at=other.starts_at + timedelta(minutes=5))
        told = record(client, "/events/moved")
        assert told["eventStatus"] == "https://schema.org/EventRescheduled"
        assert datetime.fromisoformat(told["startDate"]) == drafted + timedelta(days=4)
        before = [datetime.fromisoformat(at) for at in told["previousStartDate"]]
        assert before == [drafted + timedelta(days=days) for days in (1, 2, 3)]

    def test_says_that_it_has_gone_online(self, client: FlaskClient):
        event = make_event(slug="gone")
        make_option(event, mode=AttendanceMode.VIRTUAL)
        starts_at, later = event.starts_at, event.starts_at + timedelta(hours=1)
        edit(event, NOW, venue_name="", venue_address="")
        told = record(client, "/events/gone")
        assert told["eventStatus"] == "https://schema.org/EventMovedOnline"
        assert "previousStartDate" not in told
        edit(event, NOW, starts_at=later)
        told = record(client, "/events/gone")
        assert [status.rpartition("/")[2] for status in told["eventStatus"]] == [
            "EventRescheduled",
            "EventMovedOnline",
        ]
        assert datetime.fromisoformat(told["previousStartDate"]) == starts_at
        edit(event, NOW, starts_at=starts_at, venue_name="Hall")
        lifecycle.cancel(event_id=event.id, reason="", staff_id=None, now=NOW)
        assert record(client, "/events/gone")["eventStatus"].endswith("/EventCancelled")

    def test_names_no_place_that_nobody_can_come_to(self, client: FlaskClient):
        make_option(make_event(slug="stream", venue_name="Studio"), mode=AttendanceMode.VIRTUAL)
        (place,) = record(client, "/events/stream")["location"]
        assert place["@type"] == "VirtualLocation"


def edit(event: Event, moment: datetime, **changes: Any) -> None:
    events.edit(event_id=event.id, changes=changes, seen="", staff_id=None, now=moment)


class TestCancelled:
    @pytest.mark.parametrize(
        ("language", "told", "early"),
        [
            ("en", "Everybody who has an RSVP is told by mail.", "has been told"),
            ("fr", "Toutes les personnes inscrites sont prévenues par courriel.", "ont été"),
        ],
    )
    def test_says_nothing_of_mails_that_are_held_still(
        self, client: FlaskClient, language: str, told: str, early: str
    ):
        room, _ = make_hybrid(slug="off", language=language)
        make_rsvp(room)
        lifecycle.cancel(event_id=room.event_id, reason="A storm.", staff_id=None, now=NOW)
        page = words(client, "/events/off")
        assert told in page
        assert early not in page


class TestTypography:
    def test_french_words_are_set_as_french_and_code_stays_as_it_was_typed(
        self, client: FlaskClient
    ):
        typed = "Venez ! Tapez `a : b` ici :\n\n    c ; d !\n\n<https://example.org/?a=!>"
        make_event(slug="fr", language="fr", description=typed)
        page = client.get("/events/fr").text
        assert "Venez&nbsp;! Tapez <code>a : b</code> ici&nbsp;:</p>" in page
        assert "<pre><code>c ; d !" in page
        assert ">https://example.org/?a=!</a>" in page


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "Sun 6"), (1, "Sun–Mon 6–7"), (28, "Sun–Sun 6–3 Dec–Jan")],
)
def test_the_list_names_the_months_of_an_event_that_ends_in_another_one(
    client: FlaskClient, days: int, said: str
):
    event = make_event(slug="days")
    edit(event, NOW, ends_at=event.starts_at + timedelta(days=days, hours=1))
    found = re.search(r'<p class="date">(.*?)</p>', client.get("/").text)
    assert found
    assert " ".join(re.sub("<[^>]*>", " ", found[1]).split()) == said


def test_a_title_is_read_from_the_side_where_it_begins(client: FlaskClient) -> None:
    title = "ندوة حول السلام"
    page = client.get(f"/events/{make_event(title=title).slug}").text
    assert re.search(rf'<h1[^>]* dir="auto" lang="en">{title}</h1>', page), "a bdi does not count"


class TestProgramme:
    """10:00 in New York, 13 days after NOW: 6 December."""

    @pytest.fixture
    def event(self) -> Event:
        event = make_event(slug="days")
        make_lines(event, Opening=0, Lunch=2, Reception=17)
        return event

    def test_of_several_days_says_each_day_once(self, client: FlaskClient, event: Event):
        edit(event, NOW, ends_at=event.starts_at + timedelta(hours=30))
        assert days_and_lines(client, "/events/days") == [
            "Sunday 6 December 2026", "Opening", "Lunch", "Monday 7 December 2026", "Reception",
        ]  # fmt: skip

    def test_of_one_day_names_no_day_but_that_of_a_line_after_it(
        self, client: FlaskClient, event: Event
    ):
        assert days_and_lines(client, "/events/days") == [
            "Opening", "Lunch", "Monday 7 December 2026", "Reception",
        ]  # fmt: skip

    @pytest.mark.parametrize("recording_url", ["", "https://vimeo.com/76979871"])
    def test_stays_on_the_record_where_no_chapters_take_its_place(
        self, client: FlaskClient, event: Event, recording_url: str
    ):
        over = NOW - timedelta(days=2)
        edit(event, NOW, starts_at=over, ends_at=over + timedelta(hours=2))
        event.recording_url = recording_url
        save(event)
        assert days_and_lines(client, "/events/days")[:2] == ["Opening", "Lunch"]

    def test_for_who_watches_and_who_speaks_names_the_days_too(
        self, client: FlaskClient, event: Event
    ):
        edit(event, NOW, ends_at=event.starts_at + timedelta(hours=30))
        rsvp = make_rsvp(make_option(event, mode=AttendanceMode.VIRTUAL))
        slot = event.starts_at + timedelta(hours=26)
        speaker = make_speaker(
            event, call_at=slot, slot_starts_at=slot, slot_ends_at=slot + timedelta(hours=1)
        )
        assert days_and_lines(client, f"/j/{rsvp.join_key}") == [
            "Sunday 6 December 2026", "Opening", "Lunch", "Monday 7 December 2026", "Reception",
        ]  # fmt: skip
        assert days_and_lines(client, f"/speaker/{speaker.key}") == [
            "Sunday 6 December 2026", "Opening", "Lunch", "Monday 7 December 2026", "Reception",
            "Call time", "Your part", "End",
        ]  # fmt: skip


def make_lines(event: Event, **hours: int) -> None:
    for title, after in hours.items():
        save(
            AgendaItem(
                event_id=event.id, title=title, starts_at=event.starts_at + timedelta(hours=after)
            )
        )


def days_and_lines(client: FlaskClient, path: str) -> list[str]:
    """What a programme names, in its order: days, and what happens."""
    (programme,) = re.findall(r'<ol role="list" class="run.*?</ol>', words(client, path))
    lines = re.findall(r"<li.*?</li>", programme)
    told = [re.sub(r'<span class="(time|sr)".*?</span>|<p>.*?</p>|<.*?>', "", li) for li in lines]
    return [html.unescape(line).strip() for line in told]


class TestForm:
    @pytest.mark.parametrize(
        ("values", "status"),
        [
            ({"registration_opens_at": NOW + timedelta(days=1)}, 200),
            ({"registration_closes_at": NOW - timedelta(days=1)}, 410),
            ({"status": EventStatus.CANCELLED}, 410),
        ],
    )
    @pytest.mark.parametrize("query", ["", "?source=letter"])
    def test_that_is_not_there_sets_no_cookie(
        self, client: FlaskClient, values: dict[str, Any], status: int, query: str
    ):
        make_hybrid(slug="shut", **values)
        answer = client.get(f"/events/shut/rsvp{query}")
        assert answer.status_code == status
        assert "Set-Cookie" not in answer.headers
        assert "public" in answer.headers["Cache-Control"]

    def test_a_required_question_is_not_called_optional(self, client: FlaskClient):
        room, stream = make_hybrid(slug="asks")
        make_question(room.event, label="Which team?", is_required=True)
        make_question(room.event, label="Which meal?", is_required=True, option_id=room.id)
        make_question(room.event, label="Which city?", option_id=stream.id)
        page = words(client, "/events/asks/rsvp")
        assert "Which team?</bdi></label>" in page
        assert "Which meal?</bdi> <small>(only for: In person)</small>" in page
        assert "Which city?</bdi> <small>(optional, only for: Online)</small>" in page

    def test_the_code_of_an_event_by_invitation_is_not_called_optional(self, client: FlaskClient):
        make_hybrid(slug="closed", visibility=Visibility.INVITATION)
        assert "Invitation code</bdi></label>" in words(client, "/events/closed/rsvp")

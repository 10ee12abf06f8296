"""Other ways into a calendar: files, feeds, links."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest
import vobject
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import announcements, lifecycle, listing
from registration.database import db, transaction
from registration.models import Announcement, Event, EventStatus, Visibility
from tests.conftest import NOW
from tests.factories import make_event, make_hybrid, make_option, make_rsvp, make_staff, reschedule
from tests.forms import form_of
from tests.signing_in import sign_in

DAY = timedelta(days=1)
ATOM = "{http://www.w3.org/2005/Atom}"


def change(event: Event, **values: object) -> None:
    with transaction():
        row = db.session.get_one(Event, event.id)
        for name, value in values.items():
            setattr(row, name, value)


class TestFileOfAnEvent:
    def test_is_for_everybody(self, client: FlaskClient):
        room, _ = make_hybrid(title="Policing, in Conflict", slug="policing")
        rsvp = make_rsvp(room)
        answer = client.get("/events/policing.ics")
        assert answer.content_type == "text/calendar; charset=utf-8"
        assert 'filename="policing.ics"' in answer.headers["Content-Disposition"]
        calendar = vobject.readOne(answer.text)
        (vevent,) = calendar.vevent_list
        assert calendar.method.value == "PUBLISH"
        assert vevent.summary.value == "Policing, in Conflict"
        assert vevent.uid.value != rsvp.ical_uid
        assert not hasattr(vevent, "attendee")
        assert "/j/" not in answer.text
        assert "/rsvp/" not in answer.text

    def test_of_a_cancelled_event_says_so(self, client: FlaskClient):
        make_event(slug="off", status=EventStatus.CANCELLED)
        assert "STATUS:CANCELLED" in client.get("/events/off.ics").text

    def test_counts_each_change_so_that_a_calendar_takes_it(self, client: FlaskClient):
        event = make_event(slug="moving")
        by_staff = {"staff_id": None, "now": NOW}

        def said() -> tuple[str, str]:
            (vevent,) = vobject.readOne(client.get("/events/moving.ics").text).vevent_list
            return vevent.sequence.value, vevent.status.value

        assert said() == ("0", "CONFIRMED")
        later = {"starts_at": event.starts_at + DAY, "ends_at": event.ends_at + DAY}
        reschedule(event_id=event.id, **later, **by_staff)
        assert said() == ("1", "CONFIRMED")
        lifecycle.cancel(event_id=event.id, reason="", **by_staff)
        assert said() == ("2", "CANCELLED")
        held = db.session.scalars(select(Announcement).order_by(Announcement.id.desc())).first()
        announcements.undo(announcement_id=held.id, **by_staff)
        assert said() == ("3", "CONFIRMED")

    def test_of_a_draft_is_nobodys(self, client: FlaskClient):
        make_event(slug="draft", status=EventStatus.DRAFT)
        assert client.get("/events/draft.ics").status_code == 404

    @pytest.mark.parametrize(
        ("modes", "place"),
        [([], "Hall"), (["virtual"], "Online"), (["virtual", "in_person"], "Hall")],
    )
    def test_sends_nobody_to_a_house_that_no_way_to_attend_leads_to(
        self, client: FlaskClient, modes: list[str], place: str
    ):
        event = make_event(slug="some", venue_name="Hall", venue_address="")
        for mode in modes:
            make_option(event, mode=mode)
        for path in ("/events/some.ics", "/calendar.ics"):
            assert f"\r\nLOCATION:{place}\r\n" in client.get(path).text
        assert f"location={place}" in client.get("/events/some").text


class TestFeed:
    def test_says_how_often_to_come_back_and_holds_what_is_public(self, client: FlaskClient):
        make_event(title="Shown")
        make_event(title="Off", status=EventStatus.CANCELLED)
        make_event(title="Draft", status=EventStatus.DRAFT)
        make_event(title="Hidden", visibility=Visibility.UNLISTED)
        make_event(title="Closed", visibility=Visibility.INVITATION)
        make_event(title="Was closed", visibility=Visibility.INVITATION, starts_at=NOW - DAY)
        answer = client.get("/calendar.ics")
        assert "REFRESH-INTERVAL;VALUE=DURATION:PT6H" in answer.text
        assert "X-PUBLISHED-TTL:PT6H" in answer.text
        entries = vobject.readOne(answer.text).vevent_list
        assert {(e.summary.value, e.status.value) for e in entries} == {
            ("Shown", "CONFIRMED"),
            ("Off", "CANCELLED"),
        }

    def test_leaves_out_what_is_furthest_away_where_there_are_very_many(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(listing, "COMING", 2)
        monkeypatch.setattr(listing, "OVER", 1)
        for days in (-2, -1, 1, 2, 3):
            make_event(title=f"Day {days}", starts_at=NOW + days * DAY)
        found = vobject.readOne(client.get("/calendar.ics").text).vevent_list
        assert {vevent.summary.value for vevent in found} == {"Day -1", "Day 1", "Day 2"}

    def test_is_sent_again_only_when_something_changed(self, client: FlaskClient):
        event = make_event()
        first = client.get("/calendar.ics")
        tag = {"If-None-Match": first.headers["ETag"]}
        again = client.get("/calendar.ics", headers=tag)
        assert (again.status_code, again.data) == (304, b"")
        change(event, title="Renamed", updated_at=NOW + timedelta(minutes=1))
        changed = client.get("/calendar.ics", headers=tag)
        assert changed.status_code == 200
        assert "SUMMARY:Renamed" in changed.text

    def test_without_events_is_an_empty_calendar(self, client: FlaskClient):
        answer = client.get("/calendar.ics")
        assert answer.status_code == 200
        assert "BEGIN:VEVENT" not in answer.text

    def test_is_the_same_whatever_language_its_reader_has(self, client: FlaskClient):
        make_event(language="fr", venue_name="", venue_address="")
        make_event(venue_name="", venue_address="")
        for language in ("fr", "en"):
            text = client.get("/calendar.ics", headers={"Accept-Language": language}).text
            assert set(re.findall(r"LOCATION:(.*)\r", text)) == {"En ligne", "Online"}

    def test_any_cache_may_keep_it(self, client: FlaskClient):
        answer = client.get("/calendar.ics")
        assert answer.headers["Cache-Control"].startswith("public, max-age=")
        assert "Set-Cookie" not in answer.headers


class TestMapForSearchEngines:
    def test_has_the_public_events_and_nothing_that_is_not_for_everybody(self, client: FlaskClient):
        make_event(slug="older", updated_at=NOW - timedelta(days=2))
        make_event(slug="newer", updated_at=NOW - timedelta(days=1))
        make_event(slug="draft", status=EventStatus.DRAFT)
        make_event(slug="off", status=EventStatus.CANCELLED, updated_at=NOW - timedelta(days=3))
        make_event(slug="unlisted", visibility=Visibility.UNLISTED)
        make_event(slug="invited", visibility=Visibility.INVITATION)
        (told,) = re.findall(r"^Sitemap: (.*)$", client.get("/robots.txt").text, re.MULTILINE)
        answer = client.get(told)
        assert answer.content_type == "application/xml; charset=utf-8"
        assert answer.headers["Cache-Control"].startswith("public, max-age=")
        found = ET.fromstring(answer.text)  # noqa: S314 - our own
        schema = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
        base = "http://events.example.org"
        assert [
            (url.findtext(f"{schema}loc"), url.findtext(f"{schema}lastmod")) for url in found
        ] == [
            (f"{base}/", None),
            (f"{base}/events/newer", "2026-11-22T12:00:00+00:00"),
            (f"{base}/events/older", "2026-11-21T12:00:00+00:00"),
            (f"{base}/events/off", "2026-11-20T12:00:00+00:00"),
        ]


class TestAtom:
    def test_lists_public_events_as_valid_entries(self, client: FlaskClient):
        make_event(title="War & <peace>", slug="war", summary="All of it")
        make_event(title="Hidden", visibility=Visibility.UNLISTED)
        answer = client.get("/feed.atom")
        assert answer.content_type == "application/atom+xml; charset=utf-8"
        feed = ET.fromstring(answer.text)  # noqa: S314 - our own
        (entry,) = feed.findall(f"{ATOM}entry")
        assert entry.findtext(f"{ATOM}title") == "War & <peace>"
        for part in (feed, entry):
            for name in ("id", "title", "updated"):
                assert part.findtext(f"{ATOM}{name}")
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.get("href") == "http://events.example.org/events/war"

    @pytest.mark.parametrize("typed", ["A\x01B", "A\ufffeB", "A\uffffB"])
    @pytest.mark.parametrize(("part", "field"), [("basics", "title"), ("texts", "summary")])
    def test_is_broken_by_nothing_that_staff_type(
        self, client: FlaskClient, part: str, field: str, typed: str
    ):
        """XML has no way to say these; all of a feed would be lost to its readers."""
        make_event(slug="war", title="War")
        sign_in(client, make_staff())
        path = f"/staff/events/war/settings/{part}"
        sent = form_of(client.get(path).text, f"/{part}")
        sent[field] = typed
        refused = client.post(path, data=sent, follow_redirects=True)
        assert "it holds characters that cannot be seen" in refused.text
        feed = ET.fromstring(client.get("/feed.atom").text)  # noqa: S314 - our own
        assert feed.findtext(f"{ATOM}entry/{ATOM}title") == "War"

    def test_says_when_in_the_form_that_readers_know(self, client: FlaskClient):
        """RFC 4287, 3.3."""
        make_event()
        feed = ET.fromstring(client.get("/feed.atom").text)  # noqa: S314 - our own
        told = [
            date.text or "" for name in ("updated", "published") for date in feed.iter(ATOM + name)
        ]
        assert len(told) == 3
        for date in told:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d", date)

    def test_says_when_in_the_language_of_each_event(self, client: FlaskClient):
        make_event(language="fr")
        make_event(ends_at=make_event(language="fr").ends_at + timedelta(days=1))
        feed = ET.fromstring(client.get("/feed.atom").text)  # noqa: S314 - our own
        told = {
            (entry.findtext(f"{ATOM}summary") or "").replace("\xa0", " ")
            for entry in feed.findall(f"{ATOM}entry")
        }
        assert told == {
            "dimanche 6 décembre 2026, 10:00–11:30 EST",
            "Sunday 6 December 2026, 10:00 a.m. – 7 December, 11:30 a.m. EST",
        }

    def test_says_that_an_event_is_cancelled_in_the_entry_that_announced_it(
        self, client: FlaskClient
    ):
        event = make_event(title="Débat", language="fr")

        def entry() -> ET.Element:
            feed = ET.fromstring(client.get("/feed.atom").text)  # noqa: S314 - our own
            (found,) = feed.findall(f"{ATOM}entry")
            return found

        before = entry()
        later = NOW + timedelta(hours=1)
        lifecycle.cancel(event_id=event.id, reason="", staff_id=None, now=later)
        after = entry()
        assert after.findtext(f"{ATOM}id") == before.findtext(f"{ATOM}id")
        assert after.findtext(f"{ATOM}updated") == later.isoformat()
        title = (after.findtext(f"{ATOM}title") or "").replace(" ", " ")
        assert title == "Annulé : Débat, dimanche 6 décembre 2026, 10:00–11:30 EST"

    def test_dates_an_entry_by_the_day_on_which_it_was_announced(self, client: FlaskClient):
        """Readers sort by it: by the day of a draft it would be old from the start."""
        option = make_option(make_event(status=EventStatus.DRAFT, created_at=NOW - 30 * DAY))
        by_staff = {"event_id": option.event_id, "staff_id": None}
        lifecycle.publish(**by_staff, now=NOW)
        lifecycle.withdraw(**by_staff, now=NOW + DAY)
        lifecycle.publish(**by_staff, now=NOW + 2 * DAY)
        feed = ET.fromstring(client.get("/feed.atom").text)  # noqa: S314 - our own
        assert feed.findtext(f"{ATOM}entry/{ATOM}published") == NOW.isoformat()
        assert feed.findtext(f"{ATOM}entry/{ATOM}updated") == (NOW + 2 * DAY).isoformat()

    def test_begins_with_what_was_announced_or_changed_last(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(listing, "NEWS", 2)
        for days, changed in ((300, 1), (3, 3), (200, 2)):
            event = make_event(title=f"Day {days}", starts_at=NOW + days * DAY)
            change(event, updated_at=NOW + timedelta(minutes=changed))
        make_event(title="Draft", status=EventStatus.DRAFT)
        feed = ET.fromstring(client.get("/feed.atom").text)  # noqa: S314 - our own
        titles = [entry.findtext(f"{ATOM}title") for entry in feed.findall(f"{ATOM}entry")]
        assert titles == ["Day 3", "Day 200"]
        assert feed.findtext(f"{ATOM}updated") == (NOW + timedelta(minutes=3)).isoformat()

    def test_is_sent_again_only_when_something_changed(self, client: FlaskClient):
        make_event()
        tag = {"If-None-Match": client.get("/feed.atom").headers["ETag"]}
        assert client.get("/feed.atom", headers=tag).status_code == 304


def test_the_list_leads_to_a_calendar_that_keeps_following(client: FlaskClient):
    page = client.get("/").text
    assert 'href="webcal://events.example.org/calendar.ics"' in page
    google = "https://calendar.google.com/calendar/r?cid=webcal%3A%2F%2Fevents.example.org"
    assert f'href="{google}%2Fcalendar.ics"' in page


def test_the_page_links_to_web_calendars_without_any_persons_link(client: FlaskClient):
    make_event(slug="policing")
    page = client.get("/events/policing").text
    assert "https://calendar.google.com/calendar/render?action=TEMPLATE" in page
    assert "https://outlook.live.com/calendar/0/action/compose?" in page
    assert "/events/policing.ics" in page

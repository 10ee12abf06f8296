"""Every page of the staff's rooms, rendered."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from sqlalchemy import select

from registration import (
    approvals,
    claims,
    departures,
    lifecycle,
    rendering,
    rsvps,
    speakers,
    walkins,
    wording,
)
from registration import desk as desk_verbs
from registration.database import db
from registration.models import (
    Announcement,
    AttendanceMode,
    Door,
    Event,
    MailKind,
    OutboxMail,
    QuestionKind,
    RegistrationKind,
    SpeakerRole,
    StaffRole,
)
from registration.parties import attendees
from registration.times import now
from registration.web.staff import events
from tests.conftest import NOW
from tests.factories import (
    details,
    make_event,
    make_hybrid,
    make_option,
    make_question,
    make_rsvp,
    make_speaker,
    make_staff,
    save,
)
from tests.forms import forms_of
from tests.signing_in import send, sign_in


@pytest.fixture
def desk(client: FlaskClient) -> FlaskClient:
    """A browser in which an admin is signed in."""
    return sign_in(client, make_staff())


def test_an_admin_signs_in_and_lands_on_the_events(client: FlaskClient) -> None:
    make_staff(email="admin@example.org", password=hash_password("correct horse battery"))
    answer = send(
        client, "/staff/sign-in", email="admin@example.org", password="correct horse battery"
    )
    assert answer.status_code == 302
    assert answer.location == "/staff/"
    page = client.get("/staff/")
    assert page.status_code == 200
    assert "No event lies ahead." in page.text


@pytest.mark.parametrize(
    ("registration", "said"),
    [
        ("built_in", "There is no way to attend yet."),
        ("external", "Registration for this event is on another site."),
        ("none", "This event needs no registration."),
    ],
)
def test_an_event_that_nobody_can_attend_here_says_so_instead_of_counting_nobody(
    desk: FlaskClient, registration: str, said: str
) -> None:
    event = make_event(
        registration=RegistrationKind(registration), external_url="https://example.org/register"
    )
    for path in ("", "attendees", "attendees/add"):
        page = desk.get(f"/staff/events/{event.slug}/{path}").text
        assert said in page
        assert ('href="https://example.org/register"' in page) == (registration == "external")
        for offered in ("Nobody yet.", "Waitlist", "Choose the columns", 'name="attend"'):
            assert offered not in page


def test_sign_in_leads_back_to_the_page_that_was_asked_for(client: FlaskClient) -> None:
    make_staff(email="admin@example.org", password=hash_password("correct horse battery"))
    assert client.get("/staff/").location.endswith("?next=/staff/")
    asked = client.get("/staff/outbox/?state=sent")
    assert asked.status_code == 303
    answer = send(
        client,
        "/staff/sign-in",
        page=asked.location,
        email="admin@example.org",
        password="correct horse battery",
        next="/staff/outbox/?state=sent",
    )
    assert answer.location == "/staff/outbox/?state=sent"


@pytest.mark.parametrize("email", ["admin@example.org", "stranger@example.org"])
def test_a_wrong_password_and_an_unknown_address_read_alike(
    client: FlaskClient, email: str
) -> None:
    make_staff(email="admin@example.org", password=hash_password("correct horse battery"))
    page = send(client, "/staff/sign-in", email=email, password="a wrong password")
    assert page.status_code == 200
    assert "There is a problem" in page.text
    assert "The address and the password do not match." in page.text


def test_every_list_and_page_of_an_event_is_shown(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(capacity=1, title="Policing in Conflict")
    event = room.event
    first = make_rsvp(room, name="Amina Okonkwo-Bell", organisation="Lagos Centre")
    second = make_rsvp(room, name="Daniel Mbeki")
    invited = make_speaker(event, name="Jaswant Lal")
    make_speaker(event, name="Karen Hall", email="")
    speakers.invite(speaker_id=invited.id, staff_id=None, now=NOW)
    pages = {
        "/staff/": "Policing in Conflict",
        f"/staff/events/{event.slug}/": "Jaswant Lal",
        f"/staff/events/{event.slug}/attendees": "Amina Okonkwo-Bell",
        f"/staff/events/{event.slug}/attendees?q=mbeki&status=waiting": "Daniel Mbeki",
        f"/staff/events/{event.slug}/attendees?q=nobody": "Nobody matches",
        f"/staff/events/{event.slug}/attendees/{first.id}": "Lagos Centre",
        f"/staff/events/{event.slug}/attendees/{second.id}": "Next in the queue",
        f"/staff/events/{event.slug}/speakers/": "Karen Hall",
        "/staff/outbox/": "Confirmation",
        "/staff/outbox/?state=failed": "No mail is in this state",
    }
    for url, words in pages.items():
        page = desk.get(url)
        assert page.status_code == 200, url
        assert words in page.text, url


@pytest.mark.parametrize("kind", list(QuestionKind))
def test_the_list_can_be_filtered_by_what_was_answered_to_each_kind_of_question(
    desk: FlaskClient, kind: QuestionKind
) -> None:
    room, _stream = make_hybrid()
    choices = (
        ["Soup & bread", "Salad"] if kind in (QuestionKind.ONE_OF, QuestionKind.ANY_OF) else []
    )
    question = make_question(room.event, kind=kind, label="Lunch", choices=choices)
    answers = ["yes", "no"] if kind is QuestionKind.YES_NO else choices

    page = desk.get(
        f"/staff/events/{room.event.slug}/attendees",
        query_string={"answer": f"{question.id}:{answers[0] if answers else ''}"},
    )

    offered = re.findall(rf'<option value="{question.id}:([^"]*)"( selected)?>', page.text)
    values = [unescape(value) for value, _selected in offered]
    assert values == ["", *answers]
    assert [bool(selected) for _value, selected in offered].index(True) == (1 if answers else 0)


def test_a_filter_by_what_is_asked_or_offered_no_more_says_what_it_filters_by(
    desk: FlaskClient,
) -> None:
    room, _stream = make_hybrid()
    lunch = {"kind": QuestionKind.ONE_OF, "choices": ["Fish", "Salad"]}
    renamed = make_question(room.event, label="Lunch", **lunch)
    retired = make_question(room.event, label="Supper", **lunch)
    given = {"choices": ["Fish"]}
    make_rsvp(room, name="Amina Bell", answers={renamed.id: given, retired.id: given})
    renamed.choices, retired.retired_at = ["Fish without nuts", "Salad"], NOW
    db.session.commit()
    for question in (renamed, retired):
        page = desk.get(f"/staff/events/{room.event.slug}/attendees?answer={question.id}:Fish").text
        assert f'<option value="{question.id}:Fish" selected>Fish</option>' in page
        assert "Amina Bell" in page


def test_an_event_of_several_days_says_each_day_once(desk: FlaskClient) -> None:
    event = make_event(ends_at=make_event().ends_at + timedelta(days=1))
    page = desk.get(f"/staff/events/{event.slug}/settings/publish").text.replace("\xa0", " ")
    assert "Sunday 6 December 2026, 10:00 a.m. – 7 December, 11:30 a.m. EST" in page


def test_who_would_tell_of_a_change_too_late_reads_that_the_event_is_over(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    monkeypatch.setattr("registration.web.staff.editor_life.now", lambda: room.event.ends_at)
    url = f"/staff/events/{room.event.slug}/settings/publish"
    send(desk, url, do="tell")
    page = desk.get(url).text
    assert "This event is over: nobody is told of a change any more." in page
    assert "Everybody knows already" not in page


def test_a_form_of_the_desk_that_was_open_for_too_long_leads_back_to_the_desk(
    desk: FlaskClient,
) -> None:
    event = make_event()
    answer = desk.post(f"/staff/events/{event.slug}/attendees/add", data={"name": "Amina"})
    assert (answer.status_code, "open for too long" in answer.text) == (400, True)
    assert 'class="btn btn--main" href="/staff/"' in answer.text


def test_every_mail_is_shown_with_its_calendar_part(desk: FlaskClient) -> None:
    room, stream = make_hybrid(capacity=1)
    make_rsvp(room)
    make_rsvp(room)
    make_rsvp(stream)
    invited = make_speaker(room.event)
    speakers.invite(speaker_id=invited.id, staff_id=None, now=NOW)
    mails = db.session.scalars(select(OutboxMail)).all()
    with_calendar = {mail.id for mail in mails if mail.ical_sequence is not None}
    assert len(with_calendar) == 3
    for mail_id in [mail.id for mail in mails]:
        page = desk.get(f"/staff/outbox/{mail_id}")
        assert page.status_code == 200
        assert ("BEGIN:VEVENT" in page.text) is (mail_id in with_calendar)
        framed = desk.get(f"/staff/outbox/{mail_id}/html")
        assert framed.status_code == 200
        assert "default-src 'none'" in framed.headers["Content-Security-Policy"]


def test_what_told_of_a_queue_is_shown_when_its_reader_has_left_it(desk: FlaskClient) -> None:
    room, _ = make_hybrid(capacity=1)
    seated, waiting = make_rsvp(room), make_rsvp(room)
    rsvps.cancel(rsvp_id=seated.id, now=NOW)
    told = db.session.scalars(
        select(OutboxMail.id).where(
            OutboxMail.rsvp_id == waiting.id, OutboxMail.kind == MailKind.WAITLISTED
        )
    ).one()
    assert "You are on the waitlist" in desk.get(f"/staff/outbox/{told}").text
    assert desk.get(f"/staff/outbox/{told}/html").status_code == 200


def test_a_mail_that_could_not_be_written_says_why_and_can_be_tried_again(
    desk: FlaskClient,
) -> None:
    make_rsvp(make_option())
    mail = db.session.scalars(select(OutboxMail)).one()
    mail.recipient = "ä@example.org"
    db.session.commit()
    with claims.Notes() as notes:
        assert list(departures.rendered([mail.id], notes, NOW)) == [(mail.id, None)]
    page = desk.get(f"/staff/outbox/{mail.id}")
    assert page.status_code == 200
    assert "It could not be written: letters outside ASCII before the @" in page.text
    assert "ä@example.org" in page.text


def test_a_password_mail_is_not_shown_to_anybody(desk: FlaskClient) -> None:
    make_staff(email="organiser@example.org", password=hash_password("correct horse battery"))
    stranger = desk.application.test_client()
    send(stranger, "/staff/reset", email="organiser@example.org")
    mail = db.session.scalars(select(OutboxMail)).one()
    assert desk.get("/staff/outbox/").status_code == 200
    assert desk.get(f"/staff/outbox/{mail.id}").status_code == 404


def test_a_password_is_reset_by_mail(app: Flask, client: FlaskClient) -> None:
    make_staff(email="organiser@example.org", password=hash_password("correct horse battery"))
    send(client, "/staff/reset", email="organiser@example.org")
    mail = db.session.scalars(select(OutboxMail)).one()
    path = mail.facts["path"]
    text = rendering.render(mail, now=NOW).body
    assert f"http://events.example.org{path}" in text
    assert client.get(path).status_code == 200
    answer = send(client, path, password="staple paper hill", password_confirm="staple paper hill")
    assert answer.status_code == 302
    answer = send(
        client, "/staff/sign-in", email="organiser@example.org", password="staple paper hill"
    )
    assert answer.location == "/staff/"


def test_the_door_sees_events_and_no_mail(client: FlaskClient) -> None:
    room, _stream = make_hybrid(title="Policing in Conflict")
    sign_in(client, make_staff(StaffRole.DOOR, room.event))
    assert "Policing in Conflict" in client.get("/staff/").text
    refused = client.get("/staff/outbox/")
    assert refused.status_code == 403
    assert "This page is not for this account" in refused.text


def test_a_draft_leads_to_its_preview_and_no_press_ends_at_a_page_that_is_not_there(
    desk: FlaskClient,
) -> None:
    make_hybrid(slug="draft", status="draft")
    overview = desk.get("/staff/events/draft/").text
    assert "Public page" not in overview
    assert '"/staff/events/draft/preview"' in overview
    assert '"/staff/events/draft/settings/publish"' in overview
    preview = desk.get("/staff/events/draft/preview").text
    assert 'href="/events/draft/rsvp"' not in preview
    assert 'href="/staff/events/draft/preview/form"' in preview
    make_hybrid(slug="open")
    assert "Public page" in desk.get("/staff/events/open/").text


def test_an_event_and_an_outbox_without_anything_say_that_it_is_yet_to_come(
    desk: FlaskClient,
) -> None:
    make_hybrid(slug="new")
    attendees = desk.get("/staff/events/new/attendees").text
    assert "Nobody yet." in attendees
    assert "0–0" not in attendees
    assert "Nobody matches." in desk.get("/staff/events/new/attendees?q=amina").text
    assert "No mail has been written yet." in desk.get("/staff/outbox/").text
    assert "No mail is in this state." in desk.get("/staff/outbox/?state=failed").text


def test_a_choice_that_is_always_made_is_not_called_optional(desk: FlaskClient) -> None:
    make_hybrid(slug="new")
    for part, choices in {
        "registration": ["Who finds the event", "Registration"],
        "texts": ["Language of the event"],
        "options": ["How"],
    }.items():
        page = desk.get(f"/staff/events/new/settings/{part}").text
        for choice in choices:
            assert f">{choice}</" in page, choice
    assert "(optional)" in page


def test_a_party_too_large_for_what_is_free_is_told_in_exact_words(desk: FlaskClient) -> None:
    room, _ = make_hybrid(slug="new", capacity=2, guests_max=1)
    make_rsvp(room)
    party = make_rsvp(room, guests=["B"], accepts_waiting=True)
    assert "1 free, 1 waiting" in desk.get("/staff/events/new/").text
    path = f"/staff/events/new/attendees/{party.id}"
    send(desk, path, do="promote")
    page = desk.get(path).text
    assert "Only 1 seat is free, and they are 2." in page
    assert "Every seat is taken" not in page


def test_of_a_cancelled_event_nothing_is_left_to_do(desk: FlaskClient) -> None:
    room, _ = make_hybrid(slug="off", status="cancelled", retention_days=90)
    make_speaker(room.event, status="invited")
    page = desk.get("/staff/events/off/").text
    for said in ("Confirm speakers", "To do", "seats left", "Unlimited", "Starts by itself"):
        assert said not in page, said


def test_the_overview_promises_a_waitlist_only_where_one_can_start(desk: FlaskClient) -> None:
    def said_of(event: Event) -> str:
        return desk.get(f"/staff/events/{event.slug}/").text

    make_option(limited := make_event(), capacity=5)
    make_option(unlimited := make_event(), capacity=None)
    make_option(closed := make_event(promotion_closes_at=NOW), capacity=5)
    make_option(elsewhere := make_event(registration="external", external_url="https://x.example"))
    make_option(elsewhere, mode="virtual")
    assert "Starts by itself when the room is full." in said_of(limited)
    assert "Nobody waits where all get in." in said_of(unlimited)
    assert "It has closed: no seat is given to it by itself." in said_of(closed)
    page = said_of(elsewhere)
    assert "Registration for this event is on another site." in page
    assert "Capacity" not in page
    assert "Enter the address of the stream" not in page
    preflight = desk.get(f"/staff/events/{elsewhere.slug}/settings/publish").text
    assert "There is no stream yet." not in preflight


def test_after_the_event_staff_read_who_came_and_have_nothing_left_to_prepare(
    desk: FlaskClient,
) -> None:
    room, stream = make_hybrid(slug="over", retention_days=90)
    make_speaker(room.event, status="invited")
    came, absent = make_rsvp(room), make_rsvp(room)
    watched, unseen, gone = make_rsvp(stream), make_rsvp(stream), make_rsvp(room)
    rsvps.cancel(rsvp_id=gone.id, now=NOW)
    began = now() - timedelta(days=2)
    room.event.starts_at, room.event.ends_at = began, began + timedelta(hours=2)
    attendees(came)[0].checked_in_at = attendees(watched)[0].joined_at = began
    save(Door(event_id=room.event_id, inside=1, last_at=began))
    page = desk.get("/staff/events/over/").text
    for label in ("In the room", "Watched"):
        assert re.search(rf"<dt>{label}</dt><dd>1 <small>50% of 2 expected", page), label
    assert "To do" not in page
    assert "Starts by itself" not in page
    assert "seats left" not in page
    assert "2 of 5" in page
    for rsvp, said in ((absent, "Did not come"), (unseen, "Did not join the stream"), (gone, "–")):
        shown = desk.get(f"/staff/events/over/attendees/{rsvp.id}").text
        assert f'<span class="meta">{said}</span></li>' in shown, said


def test_of_who_came_on_a_later_day_the_day_is_said(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(slug="weeks", time_zone="UTC")
    first, later = make_rsvp(room), make_rsvp(room)
    room.event.ends_at = room.event.starts_at + timedelta(days=20)
    attendees(first)[0].checked_in_at = room.event.starts_at
    attendees(later)[0].checked_in_at = came = room.event.starts_at + timedelta(days=3)
    db.session.commit()

    shown = [desk.get(f"/staff/events/weeks/attendees/{rsvp.id}").text for rsvp in (first, later)]

    on = f" on {wording.day_and_month(came, room.event.zone)}</span>"
    assert [on in text for text in shown] == [False, True]


def test_after_the_event_nobody_without_a_place_is_said_to_have_stayed_away(
    desk: FlaskClient,
) -> None:
    room, _ = make_hybrid(capacity=1, slug="over")
    small = make_option(room.event, needs_approval=True)
    make_rsvp(room)
    waiting, pending, in_room = make_rsvp(room), make_rsvp(small), make_rsvp(small)
    approvals.approve(rsvp_ids=[in_room.id], staff_id=make_staff().id, now=NOW)
    paths = [f"/staff/events/over/attendees/{rsvp.id}" for rsvp in (waiting, pending, in_room)]

    def buttons(path: str) -> set[str]:
        return set(re.findall(r'name="do" value="(\w+)"', desk.get(path).text))

    ahead = [buttons(path) for path in paths]
    began = now() - timedelta(days=2)
    room.event.starts_at, room.event.ends_at = began, began + timedelta(hours=2)
    over = [buttons(path) for path in paths]

    assert ["Did not come" in desk.get(path).text for path in paths] == [False, False, True]
    # What the event being over forbids is not offered either.
    only_ahead = [{"promote", "promote_beyond", "resend"}, {"approve", "resend"}, {"resend"}]
    assert [before - after for before, after in zip(ahead, over, strict=True)] == only_ahead


def test_an_error_at_the_desk_leads_back_to_the_desk(client: FlaskClient) -> None:
    event = make_event()
    sign_in(client, make_staff(StaffRole.DOOR, event))
    for path, status in [("/staff/people/", 403), ("/staff/nothing", 404)]:
        answer = client.get(path)
        assert answer.status_code == status
        assert 'href="/staff/">Events desk</a>' in answer.text
        assert 'href="/staff/account/"' in answer.text, "the desk's own menu"
        assert "Find my RSVP" not in answer.text
        assert "A link from a mail" not in answer.text
    assert "Find my RSVP" in client.get("/nothing").text


def test_who_has_no_event_reads_who_gives_one(client: FlaskClient) -> None:
    make_hybrid()
    note = "You have no event yet. "
    page = sign_in(client, make_staff(StaffRole.ORGANISER)).get("/staff/").text
    assert f"{note}Make one, or ask an administrator for yours." in page
    page = sign_in(client, make_staff(StaffRole.DOOR)).get("/staff/").text
    assert f"{note}An administrator gives you some." in page
    past = "/staff/?tab=past"
    assert note not in sign_in(client, make_staff()).get(past).text


def test_an_event_that_is_over_is_said_to_have_ended(desk: FlaskClient) -> None:
    make_event(starts_at=now() - timedelta(days=2), ends_at=now() - timedelta(days=1))
    assert ">Ended</span>" in desk.get("/staff/?tab=past").text


def test_the_list_says_of_an_event_that_nobody_can_attend_yet_that_it_is_so(desk) -> None:
    make_event()
    assert ">No way to attend</span>" in desk.get("/staff/").text


def test_the_list_says_which_of_room_and_stream_is_full(desk: FlaskClient) -> None:
    event = make_event()
    room = make_option(event, capacity=2)
    stream = make_option(event, mode=AttendanceMode.VIRTUAL, capacity=1)
    make_rsvp(stream)
    page = desk.get("/staff/").text
    assert ">Stream full</span>" in page
    assert "Room full" not in page
    make_option(event, mode=AttendanceMode.VIRTUAL, label="With captions")
    assert ">Open</span>" in desk.get("/staff/").text, "who wants to watch still can"
    make_rsvp(room)
    make_rsvp(room)
    assert ">Room full</span>" in desk.get("/staff/").text


def test_the_list_offers_no_queue_that_has_closed(desk: FlaskClient) -> None:
    event = make_event(promotion_closes_at=now() - timedelta(hours=1))
    make_rsvp(make_option(event, capacity=1))
    page = desk.get("/staff/").text
    assert ">Full</span>" in page
    assert "Waitlist" not in page


def test_the_list_says_when_the_first_way_to_attend_opens(desk: FlaskClient) -> None:
    event = make_event(registration_opens_at=now() - timedelta(days=1))
    make_option(event, opens_at=now() + timedelta(days=2))
    make_option(event, mode=AttendanceMode.VIRTUAL, opens_at=now() + timedelta(days=1))
    opens = wording.short_day(now() + timedelta(days=1), event.zone)
    assert f">Opens {opens}</span>" in desk.get("/staff/").text


def test_the_outbox_leads_to_the_mails_of_one_event(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room, name="Karen Hall")
    make_rsvp(make_hybrid()[0], name="Somebody Else")
    page = desk.get("/staff/outbox/?state=waiting").text
    link = f'href="/staff/outbox/?state=waiting&amp;event={room.event.slug}"'
    assert link in page
    page = desk.get(unescape(link[6:-1])).text
    assert "Only mails of one event." in page
    assert "Karen Hall" in page
    assert "Somebody Else" not in page


def test_the_speakers_page_says_who_hosts(desk: FlaskClient) -> None:
    speaker = make_speaker(make_event(), role=SpeakerRole.HOST)
    page = desk.get(f"/staff/events/{speaker.event.slug}/speakers/").text
    assert '<span class="chip">Host</span>' in page


def test_a_list_of_events_that_is_cut_off_says_so(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(3):
        make_hybrid()
    more = "are shown. Search for the others."
    assert more not in desk.get("/staff/").text
    monkeypatch.setattr(events, "MOST", 2)
    assert f"2 of 3 {more}" in desk.get("/staff/").text


def test_an_address_of_a_speaker_that_is_wrong_stays_to_be_put_right(desk: FlaskClient) -> None:
    speaker = make_speaker(make_event(), email="before@example.org")
    page = f"/staff/events/{speaker.event.slug}/speakers/"
    answer = send(desk, f"{page}{speaker.id}", page=page, do="invite", email="karen.hall@example")
    assert answer.status_code == 422
    assert "Enter an email address in the right format" in answer.text
    assert 'value="karen.hall@example"' in answer.text
    assert speaker.email == "before@example.org"


def test_the_name_of_a_set_stays_while_its_columns_are_missing(desk: FlaskClient) -> None:
    page = f"/staff/events/{make_hybrid()[0].event.slug}/attendees/export"
    answer = send(desk, page, do="save", name="For the caterer")
    assert answer.status_code == 422
    assert 'value="For the caterer"' in answer.text


def test_the_enter_key_in_the_name_of_a_set_asks_for_no_file(desk: FlaskClient) -> None:
    page = desk.get(f"/staff/events/{make_hybrid()[0].event.slug}/attendees/export").text
    form = next(form for form in forms_of(page) if "name" in form.typed)
    assert form.buttons[0] == ("do", "save")


def test_the_overview_counts_among_the_new_only_those_who_still_come(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room, now=now())
    rsvps.cancel(rsvp_id=make_rsvp(room, now=now()).id, now=now())
    assert "+1 in the last 7 days" in desk.get(f"/staff/events/{room.event.slug}/").text
    assert ">+1<" in desk.get("/staff/").text


def test_needs_of_several_rooms_are_said_once(desk: FlaskClient) -> None:
    room, stream = make_hybrid()
    other = make_option(room.event, label="Second room", capacity=5)
    make_rsvp(room, needs_step_free=True, needs_captions=True)
    make_rsvp(other, needs_captions=True)
    make_rsvp(stream)
    page = desk.get(f"/staff/events/{room.event.slug}/").text
    assert page.count("1 needs a step-free route and 2 asked for captions") == 1
    french = desk.get(f"/staff/events/{room.event.slug}/", headers={"Accept-Language": "fr"}).text
    assert " et 2 " in french


def test_one_cancellation_of_very_many_is_not_none(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(capacity=None)
    for _number in range(200):
        make_rsvp(room)
    rsvps.cancel(rsvp_id=make_rsvp(room).id, now=NOW)
    page = desk.get(f"/staff/events/{room.event.slug}/").text
    assert "Under 1% of all RSVPs" in page


def test_where_rsvps_came_from_is_said_in_words(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room, source="newsletter")
    made_by_staff = desk_verbs.add(
        event_id=room.event_id,
        option_id=room.id,
        details=details(),
        staff_id=make_staff().id,
        now=NOW,
    )
    walkins.walk_in(event_id=room.event_id, details=details(), staff_id=make_staff().id, now=NOW)
    page = desk.get(f"/staff/events/{room.event.slug}/").text
    sources = re.findall(r'<th scope="row"><bdi>([^<]*)</bdi>', page)
    assert sorted(sources) == ["Added by staff", "Came without an RSVP", "newsletter"]
    person = desk.get(f"/staff/events/{room.event.slug}/attendees/{made_by_staff.id}").text
    assert "<dt>Came from</dt><dd><bdi>Added by staff</bdi></dd>" in person


def test_who_gave_no_address_is_not_said_to_be_mailed_of_a_cancellation(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    walkins.walk_in(
        event_id=room.event_id,
        details=details(name="Amina Bell", email=""),
        staff_id=make_staff().id,
        now=NOW,
    )
    page = desk.get(f"/staff/events/{room.event.slug}/settings/publish").text
    assert "1 attendee is mailed, and the entry leaves their calendar." in page
    assert "1 RSVP has no address and is not mailed." in page
    lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=NOW)
    assert db.session.scalars(select(Announcement.attendees)).all() == [1]

"""What staff do with RSVPs: one by one and many at once, and what the log says of it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from registration import rendering, roster, rsvps
from registration.database import db
from registration.models import (
    AttendanceOption,
    AuditEntry,
    MailKind,
    MailState,
    OutboxMail,
    QuestionKind,
    Rsvp,
    RsvpStatus,
    Staff,
    StaffRole,
)
from registration.parties import attendees
from registration.web.staff import bulk
from tests.conftest import NOW
from tests.factories import (
    details,
    make_event,
    make_hybrid,
    make_option,
    make_question,
    make_rsvp,
    make_staff,
    save,
)
from tests.forms import forms_of
from tests.signing_in import send, sign_in


@pytest.fixture
def admin(app: object) -> Staff:
    """Who acts."""
    return make_staff()


@pytest.fixture
def desk(client: FlaskClient, admin: Staff) -> FlaskClient:
    """A browser in which an admin is signed in."""
    return sign_in(client, admin)


def log(action: str) -> list[AuditEntry]:
    """The entries of one kind, the first first."""
    return list(
        db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)
        )
    )


def status_of(rsvp_id: int) -> RsvpStatus:
    """What became of an RSVP."""
    return db.session.get_one(Rsvp, rsvp_id, populate_existing=True).status


def many(
    desk: FlaskClient, slug: str, do: str, *, query: str = "", reason: str = "", **fields: object
):
    """Do something with many: ask, and send the page that says what would be done as it stands."""
    page = f"/staff/events/{slug}/attendees{query}"
    url = f"/staff/events/{slug}/attendees/many/{query}"
    asked = send(desk, url, page=page, do=do, **fields)
    assert asked.status_code == 200
    sure = next(form.sent for form in forms_of(asked.text) if "sure" in form.sent)
    if reason:
        sure["reason"] = reason
    return asked, desk.post(url, data=sure)


def mail_of(rsvp_id: int, kind: MailKind) -> str:
    """The text of the last mail of a kind to somebody."""
    rows = select(OutboxMail).where(OutboxMail.rsvp_id == rsvp_id, OutboxMail.kind == kind)
    row = db.session.scalars(rows.order_by(OutboxMail.id.desc())).first()
    assert row is not None
    return str(rendering.render(row, now=NOW).body)


@pytest.mark.parametrize(
    ("do", "status", "kind"),
    [
        ("cancel", RsvpStatus.CANCELLED, MailKind.CANCELLED),
        ("reject", RsvpStatus.REJECTED, MailKind.REJECTED),
    ],
)
def test_ending_one_asks_first_says_why_in_the_mail_and_leads_back_to_the_person(
    desk: FlaskClient, do: str, status: RsvpStatus, kind: MailKind
) -> None:
    room = make_option(make_event(), needs_approval=do == "reject")
    rsvp = make_rsvp(room, name="Amina Okonkwo-Bell")
    number, before, slug = rsvp.id, rsvp.status, room.event.slug
    person = f"/staff/events/{slug}/attendees/{number}"
    button = re.search(rf'value="{do}" formaction="([^"]+)"', desk.get(person).text)
    assert button is not None
    url = button[1].replace("&amp;", "&")
    asked = send(desk, url, page=person, do=do, id=number)
    assert "Amina Okonkwo-Bell" in asked.text
    assert status_of(number) is before
    done = send(desk, url, page=person, do=do, id=number, sure="y", reason="The hall is closed.")
    assert done.location == person
    assert status_of(number) is status
    assert "The hall is closed." in mail_of(number, kind)
    assert log(f"rsvp.{status}")[-1].detail["reason"] == "The hall is closed."


def test_staff_give_a_seat_or_the_mail_again_by_a_press(desk: FlaskClient, admin: Staff) -> None:
    room, _stream = make_hybrid(capacity=1, promotes_automatically=False)
    slug, admin_id = room.event.slug, admin.id
    seated, first, second = (make_rsvp(room).id for _ in range(3))
    rsvps.cancel(rsvp_id=seated, now=NOW)

    def press(rsvp_id: int, do: str) -> str:
        page = f"/staff/events/{slug}/attendees/{rsvp_id}"
        return str(desk.get(send(desk, page, page=page, do=do).location).text)

    assert "Moved up." in press(second, "promote")
    assert "Every seat is taken." in press(first, "promote")
    assert (status_of(first), status_of(second)) == (RsvpStatus.WAITLISTED, RsvpStatus.CONFIRMED)
    assert "Moved up." in press(first, "promote_beyond")
    assert status_of(first) is RsvpStatus.CONFIRMED
    assert [entry.staff_id for entry in log("rsvp.promoted")] == [admin_id, admin_id]
    assert "The mail is on its way once more." in press(first, "resend")
    assert [entry.rsvp_id for entry in log("rsvp.resent")] == [first]


def test_nobody_is_approved_once_the_event_is_over_and_staff_are_told_why(
    app: Flask, desk: FlaskClient
) -> None:
    room = make_option(needs_approval=True)
    rsvp_id, slug, ends_at = make_rsvp(room).id, room.event.slug, room.event.ends_at
    app.config["NOW"] = lambda: ends_at
    _asked, answer = many(desk, slug, "approve", id=[rsvp_id])
    assert answer.status_code == 303
    assert "This event has ended." in desk.get(answer.location).text
    assert status_of(rsvp_id) is RsvpStatus.PENDING


@pytest.mark.parametrize("meant", ["id", "all"])
def test_a_word_that_is_too_long_ends_nothing_and_is_not_lost(
    desk: FlaskClient, meant: str
) -> None:
    room, _stream = make_hybrid()
    rsvp_id, slug = make_rsvp(room).id, room.event.slug
    words = "We are sorry. " * 40
    _asked, answer = many(desk, slug, "cancel", reason=words, **{meant: rsvp_id})
    assert answer.status_code == 422
    assert "Cancel: 1 RSVP" in answer.text
    assert words.strip() in answer.text
    assert "Use 500 characters or fewer" in answer.text
    assert status_of(rsvp_id) is RsvpStatus.CONFIRMED


def test_cancelling_many_asks_first_and_frees_their_seats(desk: FlaskClient, admin: Staff) -> None:
    room, _stream = make_hybrid(capacity=2)
    slug, first, second = room.event.slug, make_rsvp(room).id, make_rsvp(room).id
    waiting = make_rsvp(room).id
    asked, done = many(desk, slug, "cancel", id=[first, second])
    assert "Cancel: 2 RSVPs" in asked.text
    assert done.status_code == 303
    assert [status_of(first), status_of(second)] == [RsvpStatus.CANCELLED] * 2
    assert status_of(waiting) is RsvpStatus.CONFIRMED
    assert "2 RSVPs cancelled." in desk.get(done.location).text
    assert {entry.staff_id for entry in log("rsvp.cancelled")} == {admin.id}
    assert {entry.network for entry in log("rsvp.cancelled")} == {"127.0.0.1"}


def test_of_many_that_are_cancelled_those_count_that_had_not_ended(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    live, ended = make_rsvp(room).id, make_rsvp(room).id
    many(desk, room.event.slug, "cancel", id=[ended])
    _asked, done = many(desk, room.event.slug, "cancel", id=[live, ended])
    assert "1 RSVP cancelled" in desk.get(done.location).text
    assert len(log("rsvp.cancelled")) == 2


def test_the_page_that_asks_names_the_first_five_and_how_many_more(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(capacity=None)
    ids = [make_rsvp(room, name=f"Guest {number}").id for number in range(7)]
    asked, _done = many(desk, room.event.slug, "check_in", id=ids)
    assert "Check in: 7 RSVPs" in asked.text
    assert "Guest 0, Guest 1, Guest 2, Guest 3, Guest 4 and 2 more" in asked.text
    assert "Guest 5" not in asked.text


def test_with_nobody_ticked_nothing_is_asked(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    page = f"/staff/events/{room.event.slug}/attendees"
    answer = send(desk, f"{page}/many/", page=page, do="cancel")
    assert (answer.status_code, answer.location) == (303, page)
    assert "Tick somebody first." in desk.get(page).text
    assert send(desk, f"{page}/many/", page=page, do="promise").status_code == 400


def test_asking_alone_changes_nothing(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    rsvp_id = make_rsvp(room).id
    page = f"/staff/events/{room.event.slug}/attendees"
    send(desk, f"{page}/many/", page=page, do="cancel", id=rsvp_id)
    assert status_of(rsvp_id) is RsvpStatus.CONFIRMED


def test_all_that_match_are_meant_whoever_is_ticked(desk: FlaskClient) -> None:
    room, stream = make_hybrid(capacity=None)
    inside = [make_rsvp(room).id for _ in range(3)]
    outside = make_rsvp(stream).id
    many(desk, room.event.slug, "cancel", query="?way=in_person", all="y", id=[outside])
    assert {status_of(rsvp_id) for rsvp_id in inside} == {RsvpStatus.CANCELLED}
    assert status_of(outside) is RsvpStatus.CONFIRMED


def test_all_that_match_are_done_step_by_step(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "STEP", 2)
    room, stream = make_hybrid(capacity=None)
    inside = [make_rsvp(room).id for _ in range(5)]
    make_rsvp(stream)
    slug, query = room.event.slug, "?way=in_person"
    url = f"/staff/events/{slug}/attendees/many/{query}"
    asked, page = many(desk, slug, "check_in", query=query, all="y")
    assert "Check in: 5 RSVPs" in asked.text
    assert "2 of 5 looked at, 2 done" in page.text
    while page.status_code == 200:
        fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
        page = desk.post(url, data=MultiDict(fields))
    undo = desk.get(page.location)
    assert "5 people checked in." in undo.text
    again = send(
        desk,
        f"/staff/events/{slug}/attendees/many/undo",
        page=page.location,
        at=re.findall(r'name="at" value="([^"]+)"', undo.text)[0],
    )
    assert "5 check-ins taken back." in desk.get(again.location).text
    assert len(log("checkin.undone")) == len(inside)


def test_an_rsvp_of_another_event_is_never_touched(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    mine = make_rsvp(room).id
    other_room, _other_stream = make_hybrid()
    other = make_rsvp(other_room).id
    many(desk, room.event.slug, "cancel", id=[mine, other])
    assert status_of(mine) is RsvpStatus.CANCELLED
    assert status_of(other) is RsvpStatus.CONFIRMED


def test_approving_and_rejecting_many(desk: FlaskClient) -> None:
    option = make_option(needs_approval=True, capacity=1)
    ids = [make_rsvp(option).id for _ in range(3)]
    many(desk, option.event.slug, "approve", id=ids[:2])
    assert [status_of(rsvp_id) for rsvp_id in ids] == ["confirmed", "waitlisted", "pending"]
    assert {entry.actor for entry in log("rsvp.confirmed") + log("rsvp.waitlisted")} == {"staff"}
    many(desk, option.event.slug, "reject", id=ids[2:])
    assert status_of(ids[2]) is RsvpStatus.REJECTED


def test_those_for_whom_there_is_no_seat_stay_and_are_counted(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(capacity=1)
    make_rsvp(room)
    waiting = [make_rsvp(room).id for _ in range(2)]
    _asked, done = many(desk, room.event.slug, "promote", id=waiting)
    text = desk.get(done.location).text
    assert "0 parties have seats." in text
    assert "2 stayed as they were" in text


def test_check_in_of_many_is_undone_together(desk: FlaskClient) -> None:
    room, stream = make_hybrid(guests_max=2)
    party = make_rsvp(room, guests=["A guest"]).id
    online = make_rsvp(stream).id
    slug = room.event.slug
    _asked, done = many(desk, slug, "check_in", id=[party, online])
    page = desk.get(done.location)
    assert "2 people checked in." in page.text
    assert "Take that back" in page.text
    inside = roster.count(
        db.session.get_one(Rsvp, party).event, roster.Filters(status="checked_in")
    )
    assert inside == 1
    at = attendees(db.session.get_one(Rsvp, party))[0].checked_in_at.isoformat()
    undone = send(desk, f"/staff/events/{slug}/attendees/many/undo", page=done.location, at=at)
    assert "2 check-ins taken back." in desk.get(undone.location).text
    assert all(
        person.checked_in_at is None for person in attendees(db.session.get_one(Rsvp, party))
    )
    assert len(log("checkin.undone")) == 2


def test_who_was_checked_in_out_of_the_list_is_taken_back_into_it(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    slug, query = room.event.slug, "?status=not_in"
    _asked, done = many(desk, slug, "check_in", query=query, all="y")
    page = desk.get(done.location).text
    assert "Nobody matches." in page, "they are in now"
    found = re.search(r'action="([^"]+/undo[^"]*)".*?name="at" value="([^"]+)"', page)
    assert found, "it can be undone"
    undone = send(desk, html.unescape(found[1]), page=done.location, at=found[2])
    assert undone.location.endswith(f"/attendees{query}")
    assert "1 check-in taken back." in desk.get(undone.location).text


def test_what_is_done_on_a_later_page_leads_back_to_it(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "PAGE", 2)
    room, _stream = make_hybrid(capacity=None)
    made = [make_rsvp(room).id for _ in range(5)]
    listed = f"/staff/events/{room.event.slug}/attendees?sort=arrival&page=2"
    action = html.unescape(re.search(r'action="([^"]+/many/[^"]*)"', desk.get(listed).text)[1])
    send(desk, action, page=listed, do="check_in", id=made[2])
    done = send(desk, action, page=listed, do="check_in", id=made[2], sure="y")
    assert "page=2" in done.location
    assert "sort=arrival" in done.location


@pytest.mark.parametrize(
    "at",
    [
        "", "soon", "2026-12-06T10:00:00", "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00", f"{NOW.isoformat()},9999-12-31T23:59:59-14:00",
    ],
)  # fmt: skip
def test_an_undo_of_what_is_no_time_is_400_and_not_offered(desk: FlaskClient, at: str) -> None:
    slug = make_hybrid()[0].event.slug
    page = desk.get(f"/staff/events/{slug}/attendees", query_string={"undo": at})
    assert page.status_code == 200
    assert "Take that back" not in page.text
    answer = send(desk, f"/staff/events/{slug}/attendees/many/undo", page="/find", at=at)
    assert answer.status_code == 400


def test_one_account_does_not_undo_what_another_did(client: FlaskClient, desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    rsvp_id = make_rsvp(room).id
    slug = room.event.slug
    _asked, done = many(desk, slug, "check_in", id=[rsvp_id])
    at = attendees(db.session.get_one(Rsvp, rsvp_id))[0].checked_in_at.isoformat()
    sign_in(client, make_staff())
    send(client, f"/staff/events/{slug}/attendees/many/undo", page=done.location, at=at)
    assert attendees(db.session.get_one(Rsvp, rsvp_id))[0].checked_in_at is not None


def test_staff_add_somebody_after_registration_closed(desk: FlaskClient, now) -> None:
    event = make_event(registration_closes_at=now, guests_max=1)
    room = make_option(event, capacity=1)
    question = make_question(event)
    yes_no = make_question(event, kind=QuestionKind.YES_NO, label="Do you eat meat?")
    url = f"/staff/events/{event.slug}/attendees/add"
    fields = {
        "name": "Amina Okonkwo-Bell",
        "email": "Amina@Example.org",
        "attend": room.id,
        f"question_{question.id}": "Trust",
        f"question_{yes_no.id}": "no",
    }
    answer = send(desk, url, **fields)
    assert answer.status_code == 303
    page = desk.get(answer.location).text
    assert "Amina Okonkwo-Bell" in page
    assert "Trust" in page
    assert 'dir="auto">No</dd>' in page, "as the form shows it"
    assert "Added by staff" in page
    again = send(desk, url, **fields | {"name": "A. Okonkwo-Bell"})
    assert again.status_code == 422
    leads = f'<a href="{answer.location}">This address has an RSVP to this event already.</a>'
    assert leads in again.text
    second = send(desk, url, name="Daniel", email="d@example.org", attend=room.id)
    assert db.session.query(Rsvp).filter_by(email="d@example.org").one().status == "waitlisted"
    assert second.status_code == 303
    send(desk, url, name="Eve", email="e@example.org", attend=room.id, beyond_capacity="y")
    assert db.session.query(Rsvp).filter_by(email="e@example.org").one().status == "confirmed"


def test_what_is_wrong_about_somebody_added_is_said_in_the_order_of_the_page(
    desk: FlaskClient,
) -> None:
    room, _stream = make_hybrid()
    page = send(desk, f"/staff/events/{room.event.slug}/attendees/add").text
    problems = page[page.index("There is a problem") :].partition("</ul>")[0]
    assert re.findall(r">([^<]+)</a>", problems) == [
        "Choose how they attend",
        "Enter the full name",
        "Enter an email address in the right format, like name@example.org",
    ]


def test_staff_seat_whom_they_add_also_where_a_larger_party_waits_for_the_seat_that_is_free(
    desk: FlaskClient,
) -> None:
    room = make_option(make_event(guests_max=1), capacity=2)
    make_rsvp(room)
    assert make_rsvp(room, guests=["A guest"]).status is RsvpStatus.WAITLISTED
    url = f"/staff/events/{room.event.slug}/attendees/add"
    send(desk, url, name="Eve", email="e@example.org", attend=room.id, beyond_capacity="y")
    assert db.session.query(Rsvp).filter_by(email="e@example.org").one().is_confirmed
    assert db.session.get_one(AttendanceOption, room.id, populate_existing=True).extra_seats == 0


def test_guests_who_were_allowed_once_stay_when_staff_edit(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(guests_max=2)
    rsvp = make_rsvp(room, name="Amina Bell", guests=["B", "C"])
    room.event.guests_max = 1
    save(room.event)
    url = f"/staff/events/{room.event.slug}/attendees/{rsvp.id}/edit"
    shown = re.findall(r'name="(guest_\d)"[^>]*value="(\w)"', desk.get(url).text)
    assert shown == [("guest_1", "B"), ("guest_2", "C")]
    send(desk, url, name="Amina Bell", job_title="Director", **dict(shown))
    assert [person.name for person in attendees(rsvp)] == ["Amina Bell", "B", "C"]


def test_an_edit_is_in_the_log_with_what_was_before(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room, name="Amina Okonkwo", access_note="A chair")
    url = f"/staff/events/{room.event.slug}/attendees/{rsvp.id}"
    form = desk.get(f"{url}/edit").text
    assert "Amina Okonkwo" in form
    send(desk, f"{url}/edit", name="Amina Bell", access_note="A chair with arms")
    assert "name: Amina Okonkwo → Amina Bell" in desk.get(url).text
    [entry] = log("rsvp.edited")
    assert entry.detail["changes"]["name"] == ["Amina Okonkwo", "Amina Bell"]
    assert "chair" not in str(entry.detail)
    assert send(desk, f"{url}/edit", name="").status_code == 422


def _details_form(page: str) -> MultiDict[str, str]:
    return next(form.sent for form in forms_of(page) if "job_title" in form.sent)


def test_what_the_attendee_has_changed_meanwhile_staff_do_not_overwrite_unknowingly(
    desk: FlaskClient,
) -> None:
    room, _stream = make_hybrid(guests_max=2)
    rsvp = make_rsvp(room, name="Amina Bell")
    url = f"/staff/events/{room.event.slug}/attendees/{rsvp.id}/edit"
    opened = _details_form(desk.get(url).text)
    opened["job_title"] = "Director"
    rsvps.edit(rsvp_id=rsvp.id, details=details(name="Amina Bell"), guests=["Chidi Bell"], now=NOW)

    refused = desk.post(url, data=opened)
    assert refused.status_code == 422
    assert "by the attendee or by somebody else of the staff" in refused.text
    assert _details_form(refused.text)["job_title"] == "Director", "nothing typed is lost"
    assert [person.name for person in attendees(rsvp)] == ["Amina Bell", "Chidi Bell"]

    again = _details_form(refused.text)
    again["guest_1"] = "Chidi Bell"
    assert desk.post(url, data=again).status_code == 303
    assert desk.post(url, data=again).status_code == 303, "pressed twice"
    assert (rsvp.job_title, rsvp.party_size) == ("Director", 2)
    assert len(log("rsvp.edited")) == 2, "once by the attendee, once by staff"


def test_a_corrected_address_gets_the_mail_and_links_of_its_own(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room, email="amnia@example.org")
    make_rsvp(room, email="taken@example.org")
    key = rsvp.manage_key
    url = f"/staff/events/{room.event.slug}/attendees/{rsvp.id}"
    refused = send(desk, f"{url}/address", email="taken@example.org")
    assert refused.status_code == 422
    assert send(desk, f"{url}/address", email="not an address").status_code == 422
    assert send(desk, f"{url}/address", email="amina@example.org").status_code == 303
    waiting = (OutboxMail.rsvp_id == rsvp.id) & (OutboxMail.state == MailState.WAITING)
    mail = db.session.scalars(select(OutboxMail).where(waiting)).one()
    assert (mail.kind, mail.recipient) == (MailKind.CONFIRMED, "amina@example.org")
    assert desk.get(f"/rsvp/{key}").status_code == 404, "a stranger may have read it"
    assert desk.get(f"/rsvp/{mail.rsvp.manage_key}").status_code == 200
    assert "email address: amnia@example.org → amina@example.org" in desk.get(url).text


def test_the_log_is_searched_by_what_by_whom_and_by_person(desk: FlaskClient, admin: Staff) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room, email="amina@example.org", name="Amina Okonkwo")
    make_rsvp(room, name="Daniel Mbeki")
    many(desk, room.event.slug, "cancel", id=[rsvp.id])
    everything = desk.get("/staff/log/").text
    assert "Amina Okonkwo" in everything
    assert "Daniel Mbeki" in everything
    for query in ("q=cancelled", "q=amina@example.org", f"who={admin.id}"):
        found = desk.get(f"/staff/log/?{query}").text
        assert "Amina Okonkwo" in found, query
        assert "Daniel Mbeki" not in found, query
    assert "Nothing matches." in desk.get("/staff/log/?q=nothing+of+the+kind").text


def test_the_address_of_an_attendee_is_not_kept(client: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room)
    assert {entry.network for entry in log("rsvp.confirmed")} == {""}


def test_the_list_leads_on_with_its_filters_from_each_of_its_links(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room, name="Amina Okonkwo")
    base = f"/staff/events/{room.event.slug}/attendees"
    page = html.unescape(desk.get(f"{base}?q=amina&way=in_person&status=&page=1").text)
    for address in (f"{base}.csv", f"{base}/export", f"{base}/many/"):
        assert f'"{address}?q=amina&way=in_person"' in page
    plain = html.unescape(desk.get(base).text)
    for address in (f"{base}.csv", f"{base}/export", f"{base}/many/"):
        assert f'"{address}"' in plain


def test_the_list_is_found_again_as_it_was_left_for_one_person_or_an_export(
    desk: FlaskClient,
) -> None:
    room, _stream = make_hybrid()
    rsvp = make_rsvp(room, name="Amina Okonkwo")
    elsewhere = make_rsvp(make_option(), email=rsvp.email)
    base = f"/staff/events/{room.event.slug}/attendees"
    left = f"{base}?q=amina&status=confirmed"

    def leads_back(address: str) -> list[str]:
        page = html.unescape(desk.get(address).text)
        return [there for there in re.findall(r'href="([^"]*)"', page) if there == left]

    [person] = re.findall(rf'"({base}/{rsvp.id}[?][^"]*)"', html.unescape(desk.get(left).text))
    assert leads_back(person)
    assert leads_back(send(desk, person, do="resend").location)
    shown = html.unescape(desk.get(person).text)
    for part in ("edit", "address", "erase", "move"):
        [page] = re.findall(rf'"({base}/{rsvp.id}/{part}[^"]*)"', shown)
        assert f'href="{person}"' in html.unescape(desk.get(page).text)
    [end] = re.findall(rf'formaction="({base}/many/[^"]*)"', shown)
    assert f'href="{person}"' in html.unescape(send(desk, end, do="cancel", id=rsvp.id).text)
    assert f'"/staff/events/{elsewhere.event.slug}/attendees/{elsewhere.id}"' in shown
    assert leads_back(f"{base}/export?q=amina&status=confirmed")
    assert f'"{base}"' in desk.get(f"{base}/{rsvp.id}").text


def test_a_heading_sorts_up_first_then_down(desk: FlaskClient) -> None:
    room, _stream = make_hybrid(capacity=None)
    for name in ("Bo", "Amina", "Cy"):
        make_rsvp(room, name=name)
    address = base = f"/staff/events/{room.event.slug}/attendees"
    found = []
    for _press in range(4):
        page = html.unescape(desk.get(address).text)
        found.append(re.findall(r"<bdi>(Amina|Bo|Cy)</bdi></a>", page))
        assert "?sort=organisation&order=up" in page
        address = base + re.search(r'<a href="(\?[^"]*sort=name&order=[a-z]+)"', page)[1]
    up, down = ["Amina", "Bo", "Cy"], ["Cy", "Bo", "Amina"]
    assert found == [["Cy", "Amina", "Bo"], up, down, up]


def test_many_check_ins_can_be_taken_back_from_the_list_for_half_an_hour(
    app: Flask, desk: FlaskClient
) -> None:
    room, _stream = make_hybrid()
    slug = room.event.slug
    _asked, done = many(desk, slug, "check_in", id=[make_rsvp(room).id])
    offered = "They were checked in together just now."
    assert offered in desk.get(done.location).text
    assert offered not in desk.get(f"/staff/events/{slug}/attendees?undo=2026").text
    app.config["NOW"] = lambda: NOW + timedelta(minutes=30)
    assert offered not in desk.get(done.location).text


def test_the_list_alone_is_answered_to_the_script(desk: FlaskClient) -> None:
    room, _stream = make_hybrid()
    make_rsvp(room, name="Amina Okonkwo")
    part = desk.get(f"/staff/events/{room.event.slug}/attendees?q=amina&part=list").text
    assert "Amina Okonkwo" in part
    assert "<html" not in part
    assert "part=list" not in part


def test_a_persons_page_shows_what_their_address_answered_to_other_events_of_the_reader(
    desk: FlaskClient, app: Flask
) -> None:
    room, _stream = make_hybrid()
    other = make_option(make_event(title="Water and Borders"))
    rsvp, before = make_rsvp(room), make_rsvp(other, email="amina@example.org")
    path = f"/staff/events/{room.event.slug}/attendees/{rsvp.id}"
    theirs = f"/staff/events/{other.event.slug}/attendees/{before.id}"
    assert "Their other RSVPs" not in desk.get(path).text
    rsvp.email = before.email
    attendees(before)[0].checked_in_at = NOW
    db.session.commit()
    page = desk.get(path).text
    assert f'href="{theirs}"' in page
    assert re.search(r"Water and Borders.*Checked in</span></li>", page, re.DOTALL)
    organiser = sign_in(app.test_client(), make_staff(StaffRole.ORGANISER, room.event))
    assert "Water and Borders" not in organiser.get(path).text

"""The pages of mailings, and the way out of them, as browsers and mail programs use them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from registration import (
    forgetting,
    invitations,
    lifecycle,
    mailings,
    rendering,
    rsvps,
    subscriptions,
)
from registration.database import db
from registration.entries import unsubscribe_url
from registration.models import (
    HOLD,
    AttendanceMode,
    AttendanceOption,
    Event,
    InvitationStatus,
    Mailing,
    MailingState,
    MailKind,
    MailState,
    OutboxMail,
    Question,
    QuestionKind,
    Rsvp,
    StaffRole,
)
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_invitation,
    make_option,
    make_question,
    make_rsvp,
    make_staff,
    save,
)
from tests.forms import form_of, forms_of
from tests.signing_in import post, sign_in

ACTIONS = ["release", "undo", "stop", "discard", "copy"]


@pytest.fixture
def options(app: Flask) -> tuple[AttendanceOption, ...]:
    return make_hybrid(capacity=1)


@pytest.fixture
def event(options: tuple[AttendanceOption, ...]) -> Event:
    return db.session.get_one(Event, options[0].event_id)


@pytest.fixture
def people(options: tuple[AttendanceOption, ...]) -> list[Rsvp]:
    room, stream = options
    return [make_rsvp(room, name="Amina Okonkwo-Bell"), make_rsvp(stream), make_rsvp(stream)]


@pytest.fixture
def desk(app: Flask, client: FlaskClient, event: Event) -> FlaskClient:
    """A browser of an organiser of the event."""
    return sign_in(client, make_staff(StaffRole.ORGANISER, event, name="Robin Clerk"))


def send(client: FlaskClient, path: str, **fields: object):
    plain = {"to": "confirmed", "subject": "How to get in", "body": "Dear {first_name},\n\nhello"}
    return post(client, path, **(plain | fields))


def draft() -> Mailing:
    return db.session.scalars(select(Mailing)).one()


def test_a_message_goes_from_nothing_to_the_outbox(
    desk: FlaskClient, event: Event, people: list[Rsvp], options: tuple[AttendanceOption, ...]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    assert "Nothing has been written yet" in desk.get(base).text
    page = desk.get(base + "new").text
    assert "<strong>3</strong>" in page
    answer = send(desk, base + "new", to=f"confirmed.{options[1].id}", do="review")
    assert answer.status_code == 303
    review = desk.get(answer.location).text
    assert "Send to 2 people?" in review
    assert answer.location.endswith("/review")

    released = post(desk, f"{base}{draft().id}/release")
    page = desk.get(released.location).text
    assert "Goes to 2 people at" in page
    assert "Undo: take it back" in page
    waiting = db.session.scalars(
        select(OutboxMail).where(OutboxMail.mailing_id == draft().id)
    ).all()
    assert {mail.recipient for mail in waiting} == {person.email for person in people[1:]}
    assert "0 of 2" in desk.get(base).text

    undone = post(desk, f"{base}{draft().id}/undo")
    assert "This is a draft again" in desk.get(undone.location).text
    assert draft().state is MailingState.DRAFT


def test_a_message_is_begun_anew_from_one_that_went_and_thrown_away(
    desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, f"{base}new", do="review")
    first = draft().id
    post(desk, f"{base}{first}/release", seen_at=draft().updated_at.isoformat())
    second = int(post(desk, f"{base}{first}/copy").location.rsplit("/", 1)[1])
    assert second != first
    assert "How to get in" in desk.get(f"{base}{second}").text
    post(desk, f"{base}{second}/discard")
    assert draft().id == first


def test_before_it_goes_staff_read_that_guests_and_assistants_get_no_copy(
    desk: FlaskClient, event: Event, options: tuple[AttendanceOption, ...]
) -> None:
    event.guests_max = 1
    db.session.commit()
    make_rsvp(options[1], guests=["Bo"], booked_by_email="clerk@example.org")
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, f"{base}new", do="review")

    page = desk.get(f"{base}{draft().id}/review").text

    assert "Send to 1 person" in page
    assert "Guests, and those who answered for somebody else, get no copy." in page

    post(desk, f"{base}{draft().id}/release", seen_at=draft().updated_at.isoformat())
    mails = db.session.scalars(
        select(OutboxMail.recipient).where(OutboxMail.mailing_id == draft().id)
    ).all()
    assert len(mails) == 1
    assert "clerk@example.org" not in mails


def test_the_preview_is_what_the_chosen_reader_gets(
    desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new", body="Dear {name}, {manage_link}")
    number, names = draft().id, [(person.id, person.name, person.manage_key) for person in people]
    for rsvp_id, name, key in names:
        page = desk.get(f"{base}{number}?as={rsvp_id}").text
        assert f"as {name} receives it" in page
        html = desk.get(f"{base}{number}/html?as={rsvp_id}").text
        assert name in html
        assert key in html
        assert "<mark" in html
    # What is sent has no tint, and nothing was written by looking.
    kinds = db.session.scalars(select(OutboxMail.kind)).all()
    assert MailKind.MAILING not in kinds
    found = desk.get(f"{base}{number}?find=ÓKONKWO").text
    assert "as Amina Okonkwo-Bell receives it" in found


def test_who_is_found_is_shown_at_once(desk: FlaskClient, event: Event, people: list[Rsvp]) -> None:
    """The list of readers sends the one who was shown before as well."""
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new")
    shown = next(person for person in people if person.name != "Amina Okonkwo-Bell")
    url = f"{base}{draft().id}?as={shown.id}&find="
    assert "as Amina Okonkwo-Bell receives it" in desk.get(f"{url}okonkwo").text
    page = desk.get(f"{url}nobody-of-that-name").text
    assert "Nobody of that name" in page
    assert f"as {shown.name} receives it" in page, "not: nobody gets this message"


def test_the_preview_shows_nobody_of_another_event(
    desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    stranger = make_rsvp(make_hybrid()[0], name="Somebody Else")
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new", body="{name}")
    assert "Somebody Else" not in desk.get(f"{base}{draft().id}?as={stranger.id}").text
    assert "Somebody Else" not in desk.get(f"{base}{draft().id}/html?as={stranger.id}").text


def test_a_test_goes_to_who_writes(desk: FlaskClient, event: Event, people: list[Rsvp]) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    answer = send(desk, base + "new", do="test")
    assert "A test is on its way to staff-" in desk.get(answer.location).text
    mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == MailKind.MAILING)).one()
    assert "Dear Robin," in rendering.render(mail, now=NOW).body


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"subject": ""}, "Enter a subject"),
        ({"body": ""}, "Write the message"),
        ({"to": ""}, "Choose who gets the message"),
        ({"to": "confirmed.999"}, "Choose who gets the message"),
        ({"body": "Dear {frist_name}"}, "There is no field {frist_name}"),
        ({"body": "[here](//evil.example)"}, "The link to “//evil.example” leads nowhere."),
        ({"body": "[here]({name})"}, "leads nowhere."),
        ({"body": "See https://a@b.example/"}, "The link to “https://a@b.example/” leads nowhere."),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    desk: FlaskClient, event: Event, fields: dict[str, str], text: str
) -> None:
    answer = send(desk, f"/staff/events/{event.slug}/messages/new", **fields)
    assert answer.status_code == 422
    assert text in answer.text
    for name in {"subject": "How to get in"}.keys() - fields.keys():
        assert f'name="{name}"' in answer.text
        assert "How to get in" in answer.text
    assert db.session.scalars(select(Mailing)).all() == []


@pytest.mark.parametrize("where", ["subject", "body"])
def test_a_field_that_does_not_exist_is_said_beside_its_text(
    desk: FlaskClient, event: Event, where: str
) -> None:
    said = send(desk, f"/staff/events/{event.slug}/messages/new", **{where: "Dear {frist_name}"})
    assert f'id="{where}-error"' in said.text


def test_a_stale_page_overwrites_nothing_and_keeps_what_was_typed(
    desk: FlaskClient, event: Event
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new")
    number, seen = draft().id, draft().updated_at.isoformat()
    desk.application.config["NOW"] = lambda: NOW + timedelta(seconds=9)
    assert send(desk, f"{base}{number}", subject="First", seen_at=seen).status_code == 303
    answer = send(desk, f"{base}{number}", subject="Second", seen_at=seen)
    assert answer.status_code == 422
    assert "Somebody else has changed this message" in answer.text
    assert 'value="Second"' in answer.text
    assert draft().subject == "First"


def test_a_segment_by_answer_is_kept_and_shown_again(
    desk: FlaskClient, event: Event, options: tuple[AttendanceOption, ...]
) -> None:
    lunch = make_question(event, kind=QuestionKind.ONE_OF, label="Lunch?", choices=["Soup", "Käse"])
    make_rsvp(options[1], answers={lunch.id: {"choices": ["Käse"]}})
    make_rsvp(options[1])
    base = f"/staff/events/{event.slug}/messages/"
    answer = send(desk, base + "new", answer=f"{lunch.id}:Käse", do="review")
    assert "Send to 1 person?" in desk.get(answer.location).text
    assert "Lunch? Käse" in desk.get(answer.location).text
    page = desk.get(f"{base}{draft().id}").text
    assert f'<option value="{lunch.id}:Käse" selected>' in page


def test_news_of_another_event_goes_to_who_agreed_to_hear_of_it(
    desk: FlaskClient, event: Event, options: tuple[AttendanceOption, ...]
) -> None:
    make_rsvp(options[1], wants_news=True)
    make_rsvp(options[1])
    base = f"/staff/events/{event.slug}/messages/"
    answer = send(desk, base + "new", answer="news", do="review")
    assert "Send to 1 person?" in desk.get(answer.location).text
    assert "Wants to hear of future events" in desk.get(answer.location).text
    assert '<option value="news" selected>' in desk.get(f"{base}{draft().id}").text


def test_a_draft_goes_to_nobody_else_when_its_answer_is_offered_no_more(
    desk: FlaskClient, event: Event, options: tuple[AttendanceOption, ...]
) -> None:
    lunch = make_question(event, kind=QuestionKind.ONE_OF, label="Lunch?", choices=["Soup", "Käse"])
    make_rsvp(options[1], answers={lunch.id: {"choices": ["Käse"]}})
    make_rsvp(options[1], answers={lunch.id: {"choices": ["Soup"]}})
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new", answer=f"{lunch.id}:Käse")
    db.session.get_one(Question, lunch.id).choices = ["Bread", "Soup"]
    db.session.commit()
    path = f"{base}{draft().id}"
    shown = next(form.sent for form in forms_of(desk.get(path).text) if "body" in form.sent)
    answer = desk.post(path, data={**shown.to_dict(), "do": "review"})
    assert "Send to 1 person?" in desk.get(answer.location).text
    assert "Lunch? Käse" in desk.get(answer.location).text


def test_the_report_counts_what_went_and_names_what_failed(
    desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new")
    post(desk, f"{base}{draft().id}/release")
    first, second, third = db.session.scalars(
        select(OutboxMail).where(OutboxMail.mailing_id == draft().id).order_by(OutboxMail.id)
    )
    first.state, first.ended_at = MailState.SENT, NOW
    second.state, second.ended_at, second.last_error = MailState.FAILED, NOW, "550 no such user"
    db.session.commit()
    desk.application.config["NOW"] = lambda: NOW + HOLD
    page = desk.get(f"{base}{draft().id}").text
    assert "2 of 3 mails" in page
    assert second.recipient in page
    assert "550 no such user" in page
    assert third.recipient not in page.split("Preview")[0]
    stopped = post(desk, f"{base}{draft().id}/stop")
    assert "1 mail was taken back" in desk.get(stopped.location).text
    assert draft().state is MailingState.STOPPED


@pytest.mark.parametrize("role", [StaffRole.DOOR, StaffRole.ORGANISER, None])
def test_strangers_neither_see_nor_send_anything(
    app: Flask, client: FlaskClient, event: Event, people: list[Rsvp], role: StaffRole | None
) -> None:
    writer = make_staff(StaffRole.ORGANISER, event)
    mailing = mailings.write(
        event_id=event.id,
        staff_id=writer.id,
        subject="Secret",
        body="Secret",
        segment=mailings.Segment(),
        now=NOW,
    )
    other = make_event()
    if role is not None:
        events = [event] if role is StaffRole.DOOR else [other]
        sign_in(client, make_staff(role, *events))
    refused = {StaffRole.DOOR: 403, StaffRole.ORGANISER: 404, None: 303}[role]
    base = f"/staff/events/{event.slug}/messages/"
    number = mailing.id
    for path in ("", "new", f"{number}", f"{number}/review", f"{number}/html"):
        assert client.get(base + path).status_code == refused, path
    for path in ("new", f"{number}", *(f"{number}/{action}" for action in ACTIONS)):
        answer = post(client, base + path, subject="x")
        assert answer.status_code in (refused, 400), path
    # Nor under an event of one's own.
    if role is StaffRole.ORGANISER:
        assert client.get(f"/staff/events/{other.slug}/messages/{number}").status_code == 404
    db.session.expire_all()
    assert draft().state is MailingState.DRAFT
    assert draft().subject == "Secret"


def test_one_click_of_a_mail_program_ends_mailings_and_nothing_else(
    client: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    path = unsubscribe_url(people[0]).removeprefix("http://events.example.org")
    email, status = people[0].email, people[0].status
    answer = client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert subscriptions.state_of(email, event.id) == "event"
    db.session.expire_all()
    assert people[0].status is status


def test_opening_the_page_changes_nothing_and_its_buttons_do(
    client: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    path = unsubscribe_url(people[0]).removeprefix("http://events.example.org")
    email = people[0].email
    page = client.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert email in page.text
    assert subscriptions.state_of(email, event.id) == "all"
    assert client.post(path, data={"do": "event"}).status_code == 303
    assert subscriptions.state_of(email, event.id) == "event"
    client.post(path, data={"do": "everything"})
    assert subscriptions.state_of(email, event.id) == "none"
    assert "about any event of ours" in client.get(path).text
    client.post(path, data={"do": "again"})
    assert subscriptions.state_of(email, event.id) == "all"
    assert "messages about all our events again" in client.get(path).text
    client.post(path, data={"do": "event"})
    client.post(path, data={"do": "again"})
    assert "messages about this event again" in client.get(path).text


def test_an_invited_person_stops_invitations_by_the_same_page(
    client: FlaskClient, event: Event
) -> None:
    invited = make_invitation(event, language="fr")
    path = unsubscribe_url(invited).removeprefix("http://events.example.org")
    page = client.get(path).text
    assert invited.email in page
    assert 'lang="fr"' in page
    assert subscriptions.state_of(invited.email, event.id) == "all"
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert subscriptions.state_of(invited.email, event.id) == "event"
    db.session.expire_all()
    assert invited.status is InvitationStatus.OPEN
    forgetting.forget_invitations(event.id, now=NOW, limit=10)
    db.session.commit()
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "change", ["{id}.forged", "9999.{signature}", "9" * 30 + ".{signature}", "{id}", "x"]
)
def test_a_key_that_was_made_up_ends_nothing(
    client: FlaskClient, event: Event, people: list[Rsvp], change: str
) -> None:
    key = unsubscribe_url(people[0]).rpartition("/")[2]
    rsvp_id, _dot, signature = key.partition(".")
    path = "/unsubscribe/" + change.format(id=rsvp_id, signature=signature)
    assert client.get(path).status_code == 404
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert subscriptions.state_of(people[0].email, event.id) == "all"


def test_what_is_no_longer_good_is_not_said_to_stay_so_to_who_ends_messages(
    app: Flask, client: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    invited, seat = make_invitation(event), "Your seat stays yours."
    stays, asked = "The invitation that you have stays good", make_invitation(event)
    assert seat in client.get(unsubscribe_url(people[0])).text
    rsvps.cancel(rsvp_id=people[0].id, now=NOW)
    assert seat not in client.get(unsubscribe_url(people[0])).text
    assert stays in client.get(unsubscribe_url(invited)).text
    invitations.decline(invitation_id=invited.id, now=NOW)
    assert stays not in client.get(unsubscribe_url(invited)).text
    over = event.ends_at
    app.config["NOW"] = lambda: over
    assert seat not in client.get(unsubscribe_url(people[1])).text
    assert stays not in client.get(unsubscribe_url(asked)).text


def test_a_message_is_set_to_go_at_a_time(
    desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new", do="review")
    review = f"{base}{draft().id}/review"
    for typed, said in (
        ("", "Enter a day and a time"),
        ("2026-11-23T07:05", "ten minutes from now or later"),  # NOW is 7:00 in New York
    ):
        refused = post(desk, review, at=typed)
        assert refused.status_code == 422
        assert said in refused.text
        assert typed in refused.text
    scheduled = post(desk, review, at="2026-12-05T09:00")
    page = desk.get(scheduled.location).text
    assert "Goes on 5\u00a0December, 9:00\u00a0a.m.\u00a0EST" in page
    assert "Now that is 3 people." in page
    assert "5\u00a0December" in desk.get(base).text
    assert draft().state is MailingState.SCHEDULED
    undone = post(desk, f"{base}{draft().id}/undo")
    assert "This is a draft again" in desk.get(undone.location).text


def test_a_message_that_did_not_go_at_its_time_says_so_until_staff_write_on_it(
    app: Flask, desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new", do="review")
    page = f"{base}{draft().id}"
    post(desk, f"{page}/review", at="2026-11-23T07:30")
    assert "Kept back" not in desk.get(base).text
    lifecycle.cancel(
        event_id=event.id, reason="Snow", staff_id=None, now=NOW + timedelta(minutes=1)
    )
    mailings.release_due(now=NOW + timedelta(minutes=30))
    assert "Kept back" in desk.get(base).text
    for path in (page, f"{page}/review"):
        assert "This message did not go at its time" in desk.get(path).text
    app.config["NOW"] = lambda: NOW + timedelta(hours=1)
    send(desk, page, subject="Another day")
    assert "Kept back" not in desk.get(base).text
    assert "did not go at its time" not in desk.get(page).text


def test_what_was_rewritten_after_the_review_is_read_again_before_it_goes(
    desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new", do="review")
    review = f"{base}{draft().id}/review"
    release = f"{base}{draft().id}/release"
    read = form_of(desk.get(review).text, release)["seen_at"]
    draft().updated_at += timedelta(minutes=1)  # somebody else has written on it
    db.session.commit()
    refused = post(desk, release, seen_at=read)
    assert refused.location == review
    assert "Read it again before it goes" in desk.get(review).text
    refused = post(desk, review, at="2026-12-05T09:00", seen_at=read)
    assert refused.status_code == 422
    assert "Read it again before it goes" in refused.text
    assert draft().is_draft
    read = form_of(refused.text, review)["seen_at"]
    post(desk, review, at="2026-12-05T09:00", seen_at=read)
    assert draft().is_scheduled


def test_who_wrote_a_message_and_when_is_one_thing_and_when_it_went_another(
    app: Flask, desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new", do="review")
    post(desk, f"{base}{draft().id}/review", at="2026-11-25T09:00")
    mailings.release_due(now=NOW + timedelta(days=3))
    app.config["NOW"] = lambda: NOW + timedelta(days=4)
    written, went = "23\u00a0November, 7:00\u00a0a.m.\u00a0EST", "26\u00a0November, 7:00"
    for path, label in ((base, "Sent"), (f"{base}{draft().id}", "Released")):
        page = desk.get(path).text
        assert written in page.rpartition("Robin Clerk")[2]
        assert went in page.rpartition(f"{label}</")[2]


def test_staff_of_other_events_schedule_nothing(
    client: FlaskClient, desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new", do="review")
    review = f"{base}{draft().id}/review"
    stranger = make_staff(StaffRole.ORGANISER, make_event(), email="other@example.org")
    refused = post(sign_in(client, stranger), review, at="2026-12-05T09:00")
    assert refused.status_code in (403, 404)
    assert draft().state is MailingState.DRAFT


def test_an_empty_place_is_warned_of_where_there_is_a_room(client: FlaskClient) -> None:
    browser = sign_in(client, make_staff())
    text = "No venue is set"
    for mode, warned in ((AttendanceMode.IN_PERSON, True), (AttendanceMode.VIRTUAL, False)):
        event = make_option(make_event(venue_name="", venue_address=""), mode=mode).event
        path = f"/staff/events/{event.slug}/messages/new"
        draft = {"to": "confirmed", "subject": "Where", "body": "At {place}.", "do": "save"}
        saved = post(browser, path, **draft)
        assert (text in browser.get(saved.headers["Location"]).text) is warned


def test_the_part_that_moves_by_itself_says_that_no_mail_goes_out(
    desk: FlaskClient, event: Event, people: list[Rsvp]
) -> None:
    """Who follows a message from before the trouble would see it stand still, and not why."""
    base = f"/staff/events/{event.slug}/messages/"
    send(desk, base + "new")
    page = desk.get(post(desk, f"{base}{draft().id}/release").location).text
    part = page[page.index('id="progress"') : page.index("data-follow-says")]
    assert "No mail server is set." in part
    assert page.count("No mail server is set.") == 1
    mail = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    mail.state, mail.last_error = MailState.FAILED, "550 no such mailbox"
    save(mail)
    page = desk.get(f"{base}{draft().id}").text
    part = page[page.index('id="progress"') : page.index("data-follow-says")]
    assert "1 mail failed" in part
    assert "550 no such mailbox" in part


def test_the_outbox_does_not_lead_to_itself(client: FlaskClient) -> None:
    page = sign_in(client, make_staff()).get("/staff/outbox/").text
    assert "No mail server is set." in page
    assert "Open the outbox" not in page

"""Invitations to people: what their mails say, and who is reminded of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from registration import (
    announcements,
    claims,
    departures,
    desk,
    erasure,
    invitations,
    lifecycle,
    rendering,
    rsvps,
    subscriptions,
)
from registration.database import db
from registration.entries import unsubscribe_url
from registration.invitations import InvitationRefused
from registration.mime import CalendarMessage
from registration.models import (
    HOLD,
    Announcement,
    AttendanceMode,
    AttendanceOption,
    AuditEntry,
    Event,
    EventStatus,
    Invitation,
    MailKind,
    MailState,
    OutboxMail,
    Unsubscribe,
    Visibility,
)
from tests.conftest import NOW
from tests.factories import (
    make_event,
    make_hybrid,
    make_invitation,
    make_option,
    make_rsvp,
    make_staff,
    save,
)
from tests.test_mime import check_wire

DAY = timedelta(days=1)
EARLIER = NOW - 2 * DAY

VENUE = "The Institute\n  1 Example Street\n  Washington, DC\n"


def invite(event: Event, email: str = "amina@example.org") -> Invitation:
    return invitations.invite(
        event_id=event.id, email=email, name="Amina Bell", staff_id=None, now=NOW
    )


def last_mail(invited: Invitation) -> CalendarMessage:
    """The latest mail to who is invited, as it goes out."""
    db.session.rollback()
    mail = db.session.scalars(
        select(OutboxMail)
        .where(OutboxMail.invitation_id == invited.id)
        .order_by(OutboxMail.id.desc())
    ).first()
    assert mail is not None
    message = rendering.render(mail, now=NOW)
    check_wire(message.as_bytes())
    return message


class TestTheInvitationSaysWhere:
    def test_in_the_room_it_names_the_venue_alone(self, app: Flask):
        message = last_mail(invite(make_option().event))
        assert VENUE in message.body
        assert "online" not in message.body.lower()

    @pytest.mark.parametrize(
        ("language", "online", "note"),
        [
            ("en", "Online", "Live stream"),
            ("fr", "En ligne", "Diffusion en direct"),
        ],
    )
    def test_of_an_event_that_is_online_it_says_so(
        self, app: Flask, language: str, online: str, note: str
    ):
        event = make_event(language=language, venue_name="", venue_address="")
        make_option(event, mode=AttendanceMode.VIRTUAL)
        message = last_mail(invite(event))
        assert f"  {online}\n  {note}\n" in message.body
        assert f"<strong><bdi>{online}</bdi></strong><br><bdi>{note}</bdi>" in message.html

    def test_a_venue_without_a_seat_is_nowhere_to_go(self, app: Flask):
        stream = make_option(mode=AttendanceMode.VIRTUAL)
        message = last_mail(invite(stream.event))
        assert stream.event.venue_name not in message.body
        assert "Online" in message.body

    @pytest.mark.parametrize(
        ("language", "choice"),
        [
            ("en", "Come in person or watch online: you choose when you answer."),
            (
                "fr",
                "Venez sur place ou suivez en ligne\u00a0: vous choisissez en répondant.",
            ),
        ],
    )
    def test_of_a_hybrid_it_says_both_ways(self, app: Flask, language: str, choice: str):
        room, _ = make_hybrid(language=language, stream_note="English, with captions")
        message = last_mail(invite(room.event))
        assert choice in message.body
        assert VENUE in message.body
        assert "  English, with captions\n" in message.body


def test_an_invitation_goes_to_nobody_once_the_event_is_called_off_for_good(app: Flask):
    room, _ = make_hybrid()
    invited = invite(room.event)
    lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=NOW)
    [mail] = db.session.scalars(select(OutboxMail.id).filter_by(invitation_id=invited.id))
    assert delivered([mail], NOW + HOLD) == []
    assert db.session.get_one(OutboxMail, mail).state is MailState.SUPERSEDED


def test_staff_who_invite_are_told_what_keeps_the_event_from_being_held(app: Flask):
    draft = make_event(status=EventStatus.DRAFT)
    cancelled = make_event(status=EventStatus.CANCELLED, cancelled_at=NOW)
    over = make_event(starts_at=NOW - 2 * DAY, ends_at=NOW - DAY)
    for event, why in (
        (draft, "Publish the event first"),
        (cancelled, "does not take place any more"),
        (over, "has ended"),
    ):
        with pytest.raises(InvitationRefused, match=why):
            invite(event)


def test_an_invitation_waits_while_the_cancellation_can_be_taken_back(app: Flask):
    room, _ = make_hybrid()
    invited = invite(room.event)
    lifecycle.cancel(event_id=room.event_id, reason="", staff_id=None, now=NOW)
    [mail] = db.session.scalars(select(OutboxMail.id).filter_by(invitation_id=invited.id))
    assert delivered([mail], NOW) == []
    held = db.session.scalars(select(Announcement.id)).one()
    announcements.undo(announcement_id=held, staff_id=None, now=NOW)
    assert db.session.get_one(OutboxMail, mail).due_at == NOW + HOLD
    assert delivered([mail], NOW + HOLD) == ["amina@example.org"]


@pytest.mark.parametrize("what", ["over", "a draft again"])
def test_an_invitation_that_came_to_nothing_is_not_mailed_late(app: Flask, what: str):
    room, _ = make_hybrid()
    invited = invite(room.event)
    [mail] = db.session.scalars(select(OutboxMail.id).filter_by(invitation_id=invited.id))
    if what == "over":
        assert delivered([mail], room.event.ends_at) == []
    else:
        lifecycle.withdraw(event_id=room.event_id, staff_id=None, now=NOW)
        assert delivered([mail], NOW) == []


def test_who_has_an_rsvp_without_an_invitation_is_not_asked_to_come(app: Flask):
    rsvp = make_rsvp(make_option(), email="amina@example.org")
    with pytest.raises(InvitationRefused, match="has an RSVP"):
        invite(rsvp.event)
    rsvps.cancel(rsvp_id=rsvp.id, now=NOW)
    assert invite(rsvp.event).id


def test_who_said_yes_and_has_another_address_by_now_is_not_asked_to_come(app: Flask):
    option = make_option(make_event(visibility=Visibility.INVITATION))
    invitation = make_invitation(option.event, email="amina@example.org")
    rsvp = make_rsvp(option, email=invitation.email, invitation_key=invitation.key)
    staff_id = make_staff().id
    desk.correct_address(rsvp_id=rsvp.id, email="a.bell@example.org", staff_id=staff_id, now=NOW)
    with pytest.raises(InvitationRefused, match="said yes already"):
        invite(option.event)


def delivered(mail_ids: list[int], at: datetime) -> list[str]:
    """To whom these mails go."""
    with claims.Notes() as notes:
        made = departures.rendered(mail_ids, notes, at)
        return [message.recipients[0] for _, message in made if message]


@pytest.fixture
def option(app: Flask) -> AttendanceOption:
    """A way to attend an event to which people are invited."""
    return make_option()


@pytest.fixture
def invited(option: AttendanceOption) -> Invitation:
    """Somebody who was invited the day before yesterday and has not answered."""
    return make_invitation(option.event, email="amina@example.org", name="Amina Bell")


def remind(event: Event, now: datetime = NOW, chosen: list[int] | None = None) -> int:
    return invitations.remind(event_id=event.id, chosen=chosen, staff_id=None, now=now)


def reminders(state: MailState = MailState.WAITING) -> list[OutboxMail]:
    db.session.rollback()
    wanted = select(OutboxMail).where(
        OutboxMail.kind == MailKind.INVITATION_REMINDER, OutboxMail.state == state
    )
    return list(db.session.scalars(wanted.order_by(OutboxMail.id)))


def _mail_to(invited: Invitation, state: MailState, at: datetime) -> None:
    """What became of the mail of their invitation."""
    invitations.invite(
        event_id=invited.event_id, email=invited.email, name="", staff_id=None, now=at
    )
    db.session.execute(
        update(OutboxMail)
        .where(OutboxMail.invitation_id == invited.id)
        .values(state=state, ended_at=at)
    )
    db.session.commit()


def _answers_yes(invited: Invitation, option: AttendanceOption) -> None:
    make_rsvp(option, email=invited.email, invitation_key=invited.key)


def _answers_without_the_link(invited: Invitation, option: AttendanceOption) -> None:
    make_rsvp(option, email=invited.email)


def _cancels(invited: Invitation, option: AttendanceOption) -> None:
    rsvp = make_rsvp(option, email=invited.email, invitation_key=invited.key)
    rsvps.cancel(rsvp_id=rsvp.id, now=NOW)


def _declines(invited: Invitation, option: AttendanceOption) -> None:
    invitations.decline(invitation_id=invited.id, now=NOW)


def _wants_no_mail_of_the_event(invited: Invitation, option: AttendanceOption) -> None:
    save(Unsubscribe(email=invited.email, event_id=invited.event_id, created_at=NOW))


def _wants_no_mail_at_all(invited: Invitation, option: AttendanceOption) -> None:
    save(Unsubscribe(email=invited.email, created_at=NOW))


def _was_invited_today(invited: Invitation, option: AttendanceOption) -> None:
    _mail_to(invited, MailState.SENT, NOW - DAY + timedelta(seconds=1))


def _was_never_reached(invited: Invitation, option: AttendanceOption) -> None:
    _mail_to(invited, MailState.FAILED, EARLIER)


def _had_it_taken_back(invited: Invitation, option: AttendanceOption) -> None:
    _mail_to(invited, MailState.WITHDRAWN, EARLIER)


def _is_erased(invited: Invitation, option: AttendanceOption) -> None:
    rsvp = make_rsvp(option, email=invited.email, invitation_key=invited.key)
    erasure.erase(rsvp_id=rsvp.id, now=NOW)


class TestAReminder:
    def test_goes_to_who_has_not_answered_and_says_that_it_is_one(self, invited: Invitation):
        _mail_to(invited, MailState.SENT, NOW - DAY)
        assert remind(invited.event) == 1
        [mail] = reminders()
        assert (mail.recipient, mail.due_at) == ("amina@example.org", NOW + HOLD)
        message = last_mail(invited)
        assert message.subject.startswith("Reminder: you are invited to ")
        assert "We invited you, and do not know yet if you are coming." in message.body
        assert f"/rsvp?invitation={invited.key}" in message.body
        assert "You can answer until" not in message.body
        assert message.calendar is None

    def test_says_until_when_if_that_is_before_the_start(self, invited: Invitation):
        invited.event.registration_closes_at = invited.event.starts_at - DAY
        db.session.commit()
        remind(invited.event)
        assert "You can answer until" in last_mail(invited).body

    def test_is_in_the_language_of_who_is_invited(self, option: AttendanceOption):
        invited = make_invitation(option.event, language="fr", name="Amina Bell")
        remind(option.event)
        message = last_mail(invited)
        assert message.subject.startswith("Rappel\u00a0: ")
        assert "Vous avez une invitation, et nous ne" in message.body

    @pytest.mark.parametrize(
        "happens",
        [
            _answers_yes,
            _answers_without_the_link,
            _cancels,
            _declines,
            _wants_no_mail_of_the_event,
            _wants_no_mail_at_all,
            _was_invited_today,
            _was_never_reached,
            _had_it_taken_back,
            _is_erased,
        ],
    )
    def test_passes_over_who(
        self,
        invited: Invitation,
        option: AttendanceOption,
        happens: Callable[[Invitation, AttendanceOption], None],
    ):
        happens(invited, option)
        with pytest.raises(InvitationRefused, match="Nobody was reminded"):
            remind(option.event)
        other = make_invitation(option.event)
        assert remind(option.event) == 1
        assert [mail.recipient for mail in reminders()] == [other.email]

    def test_goes_to_the_chosen_alone_and_never_to_another_events(self, invited: Invitation):
        chosen = make_invitation(invited.event)
        strange = make_invitation(make_option().event)
        assert remind(invited.event, chosen=[chosen.id, strange.id]) == 1
        assert [mail.recipient for mail in reminders()] == [chosen.email]

    def test_comes_once_a_day(self, invited: Invitation):
        remind(invited.event)
        with pytest.raises(InvitationRefused):
            remind(invited.event, NOW + DAY - timedelta(seconds=1))
        assert remind(invited.event, NOW + DAY) == 1
        assert len(reminders()) == 2

    @pytest.mark.parametrize("change", ["closed", "not open", "over", "cancelled"])
    def test_is_refused_where_nobody_could_answer(self, invited: Invitation, change: str):
        event, moment = invited.event, NOW
        if change == "closed":
            event.registration_closes_at = NOW
        elif change == "not open":
            event.registration_opens_at = NOW + DAY
        elif change == "over":
            moment = event.ends_at
        db.session.commit()
        if change == "cancelled":
            lifecycle.cancel(event_id=event.id, reason="", staff_id=None, now=NOW)
        with pytest.raises(InvitationRefused, match="RSVPs are closed"):
            remind(event, moment)
        assert reminders() == []

    def test_is_logged_with_its_number(self, invited: Invitation):
        make_invitation(invited.event)
        staff_id = make_staff().id
        invitations.remind(event_id=invited.event_id, chosen=None, staff_id=staff_id, now=NOW)
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "invitation.reminded")
        ).one()
        assert (entry.staff_id, entry.detail) == (staff_id, {"recipients": 2})


class TestAReminderThatWaits:
    def test_can_be_taken_back_and_sent_again_at_once(self, invited: Invitation):
        remind(invited.event)
        taken = {"event_id": invited.event_id, "staff_id": None}
        assert invitations.take_back(**taken, now=NOW + timedelta(minutes=1)) == 1
        assert len(reminders(MailState.WITHDRAWN)) == 1
        assert invitations.take_back(**taken, now=NOW + timedelta(minutes=1)) == 0
        assert remind(invited.event, NOW + timedelta(minutes=2)) == 1

    def test_taken_back_leaves_the_one_before_it_in_mind(self, invited: Invitation):
        remind(invited.event)
        db.session.execute(update(OutboxMail).values(state=MailState.SENT, ended_at=NOW))
        db.session.commit()
        remind(invited.event, NOW + DAY)
        invitations.take_back(event_id=invited.event_id, staff_id=None, now=NOW + DAY)
        db.session.rollback()
        assert invited.reminded_at == NOW

    def test_is_not_taken_from_a_worker(self, app: Flask, invited: Invitation):
        remind(invited.event)
        app.config["MAIL_SERVER"] = "127.0.0.1"
        try:
            assert len(claims.claim(now=NOW + HOLD)) == 1
        finally:
            app.config["MAIL_SERVER"] = ""
        assert invitations.take_back(event_id=invited.event_id, staff_id=None, now=NOW + HOLD) == 0

    @pytest.mark.parametrize("happens", [_answers_yes, _answers_without_the_link, _declines])
    def test_does_not_go_to_who_answers_meanwhile(
        self,
        invited: Invitation,
        option: AttendanceOption,
        happens: Callable[[Invitation, AttendanceOption], None],
    ):
        remind(invited.event)
        happens(invited, option)
        assert self._delivered(reminders(), NOW + HOLD) == []
        assert len(reminders(MailState.SUPERSEDED)) == 1

    def test_does_not_go_once_the_event_is_called_off(self, invited: Invitation):
        remind(invited.event)
        lifecycle.cancel(event_id=invited.event_id, reason="", staff_id=None, now=NOW)
        assert self._delivered(reminders(), NOW + HOLD) == []

    def test_goes_to_who_has_still_not_answered(self, invited: Invitation):
        remind(invited.event)
        assert self._delivered(reminders(), NOW + HOLD) == ["amina@example.org"]

    @staticmethod
    def _delivered(mails: list[OutboxMail], at: datetime) -> list[str]:
        return delivered([mail.id for mail in mails], at)


class TestWhoWantsNoInvitations:
    @pytest.mark.parametrize("kind", [MailKind.INVITATION, MailKind.INVITATION_REMINDER])
    def test_can_say_so_with_one_click_in_each_mail(self, invited: Invitation, kind: MailKind):
        if kind is MailKind.INVITATION:
            invite(invited.event, invited.email)
        else:
            remind(invited.event)
        mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == kind)).one()
        message = rendering.render(mail, now=NOW)
        url = unsubscribe_url(invited)
        assert message.unsubscribe_url == url
        assert url in str(message.html)
        assert invited.key not in url
        check_wire(message.as_bytes())

    @pytest.mark.parametrize("everything", [False, True])
    def test_is_not_mailed_what_is_under_way(self, invited: Invitation, everything: bool):
        remind(invited.event)
        subscriptions.unsubscribe(
            email=invited.email, event_id=invited.event_id, everything=everything, now=NOW
        )
        assert reminders(MailState.WAITING) == []
        assert len(reminders(MailState.SUPERSEDED)) == 1

    def test_of_one_event_is_still_mailed_about_another(self, invited: Invitation):
        other = make_option().event
        of_other = invite(other, invited.email)
        subscriptions.unsubscribe(
            email=invited.email, event_id=invited.event_id, everything=False, now=NOW
        )
        mail = db.session.scalars(
            select(OutboxMail).where(OutboxMail.invitation_id == of_other.id)
        ).one()
        assert mail.state is MailState.WAITING

    @pytest.mark.parametrize("everything", [False, True])
    def test_is_not_invited_by_hand(self, invited: Invitation, everything: bool):
        subscriptions.unsubscribe(
            email=invited.email, event_id=invited.event_id, everything=everything, now=NOW
        )
        with pytest.raises(InvitationRefused, match="wants no such messages"):
            invite(invited.event, invited.email)
        elsewhere = make_option().event
        if everything:
            with pytest.raises(InvitationRefused, match="wants no such messages"):
                invite(elsewhere, invited.email)
        else:
            assert invite(elsewhere, invited.email).event_id == elsewhere.id

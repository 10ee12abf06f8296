"""Answering an event: its form, the page that follows, and the invited who cannot come."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import (
    Blueprint,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup, escape

from registration import answering, invitations, listing
from registration.admission import Refusal, RsvpRefused, invitation_by_key
from registration.models import Event, EventStatus, RegistrationKind, Rsvp, RsvpStatus, Visibility
from registration.times import now
from registration.web import access, tries
from registration.web.answer_form import Offer, RsvpForm, opened
from registration.web.asking import Asking, Recent
from registration.web.events import FRESH
from registration.web.headers import cacheable
from registration.web.kept_pages import KeptPages
from registration.web.limits import address_sent
from registration.web.person_form import guests_line

blueprint = Blueprint("answering", __name__)
pages, recent = KeptPages(), Recent()

STATUS = {
    Refusal.CANCELLED: 410,
    Refusal.ENDED: 410,
    Refusal.CLOSED: 410,
    Refusal.NOT_INVITED: 403,
    Refusal.TOO_MANY_GUESTS: 422,
}


@blueprint.get("/events/<slug>/rsvp")
def form(slug: str) -> ResponseReturnValue:
    """The form, blank or with what a link to it carries."""
    if request.query_string:
        return _show(_asking(slug))
    return pages.page(
        lambda: _show(_asking(slug)),
        lambda: (generate_csrf(), opened()),
    )


def _asking(slug: str) -> Asking:
    """What the event asks now, in the language in which who answers was invited."""
    asking = Asking.of(access.published_event(slug))
    access.speak_as_invited(asking.event)
    return asking


def _show(asking: Asking) -> ResponseReturnValue:
    """The form, with what a link to it carries."""
    event, form = asking.event, asking.form(now())
    if event.registration is not RegistrationKind.BUILT_IN:
        return _elsewhere(event)
    form.source.data = request.args.get("source", "")[:100]
    form.code.data = request.args.get("code", "")[:80]
    form.invitation.data = request.args.get("invitation", "")[:80]
    invitation = invitation_by_key(event, form.invitation.data)
    if invitation is not None:
        form.prefill(invitation.name, invitation.email, invitation.organisation)
    form.attend.data = _wanted(form.offers, request.args.get("attend", ""))
    return _page(asking, form, 200)


def _wanted(offers: Sequence[Offer], attend: str) -> str | None:
    """The offer that a link names, by its option or by a mode with room; none if it may be two.

    Where no link has named another, the only offer is the one.
    """
    named = [
        offer.value
        for offer in offers
        if not attend
        or attend == str(offer.option.id)
        or (attend == offer.option.mode and not offer.waits)
    ]
    return named[0] if len(named) == 1 else None


def _of_address() -> list[tries.Allowance]:
    """RSVPs with one address; mistakes in the form are free."""
    address = address_sent()
    return [("LIMIT_RSVP_PER_ADDRESS", f"rsvp:{address}")] if address else []


def _of_code() -> list[tries.Allowance]:
    """Codes of events that were typed: people choose them, and so they are short."""
    return [tries.of_guesses("code")] if request.form.get("code") else []


@blueprint.post("/events/<slug>/rsvp")
@tries.per_network("LIMIT_RSVP_PER_NETWORK")
@tries.counted(_of_address, counts=lambda answer: answer.status_code == 303)
@tries.counted(_of_code, counts=lambda answer: answer.status_code == 403)
def take(slug: str) -> ResponseReturnValue:
    """Take an answer; what is wrong with it is said over what is so now."""
    asking = recent.of(slug)
    access.speak_as_invited(asking.event)
    if asking.event.registration is not RegistrationKind.BUILT_IN:
        return _elsewhere(asking.event)
    form = asking.form(now())
    if not form.validate():
        asking = _asking(slug)
        form = asking.form(now())
        if not form.validate():
            return _page(asking, form, 422)
    event = asking.event
    option_id, accepts_waiting, meanwhile = form.choice or (0, False, None)
    try:
        rsvp = answering.answer(
            event_id=event.id,
            option_id=option_id,
            details=form.details(
                email=form.email.data,
                language=str(get_locale() or "en"),
                booked_by_name=form.booked_by_name.data,
                booked_by_email=form.booked_by_email.data,
            ),
            now=now(),
            meanwhile_option_id=meanwhile,
            guests=form.guest_names,
            answers=form.answers(option_id),
            accepts_waiting=accepts_waiting,
            invitation_key=form.invitation.data or "",
            code=form.code.data or "",
            source=(form.source.data or "")[:100],
            begins_at=form.begins_at,
            consent_version=form.agrees_to.data or "",
        )
    except LookupError:
        gone = gettext("This way to attend is not offered any more.")
        return _refused(slug, RsvpRefused(Refusal.CLOSED, gone), 409)
    except RsvpRefused as refusal:
        return _refused(slug, refusal, STATUS.get(refusal.reason, 409))
    return _answered(rsvp, event, form)


def preview_of(event: Event) -> ResponseReturnValue:
    """The form as it is when it has opened; nobody can send it."""
    asking = Asking.of(event)
    openings = [option.opens_for(event) or now() for option in asking.options]
    form = asking.form(max([now(), *openings]))
    return _page(asking, form, 200, is_preview=True)


def as_sent(problem: Callable[[], str], status: int) -> ResponseReturnValue:
    """The form as it was sent, and why it was not taken; with a new token, so that it can be.

    `problem` says why: it is asked once the form's own language is at hand.

    Phones restore pages, but not their cookies; and going back is no way to what was typed: some
    browsers forget it of a page that is not to be kept.
    """
    asking = _asking((request.view_args or {})["slug"])
    form = asking.form(now())
    form.form_errors.append(problem())
    return _page(asking, form, status)


def _elsewhere(event: Event) -> ResponseReturnValue:
    """Registration is not ours: the event's page says where it is."""
    return redirect(url_for("events.show", slug=event.slug), code=303)


def _refused(slug: str, refusal: RsvpRefused, status: int) -> ResponseReturnValue:
    """The same form over what is so now, with everything that was typed."""
    asking = _asking(slug)
    form = asking.form(now())
    form.validate()
    if refusal.reason in (Refusal.CODE_USED, Refusal.NOT_INVITED):
        # Who came by a personal invitation is asked for no code: it is the address that is wrong.
        invited = invitation_by_key(asking.event, form.invitation.data or "")
        (form.email if invited else form.code).errors = [str(refusal)]
    elif refusal.reason in (Refusal.FULL, Refusal.CLOSED):
        said = [
            str(refusal),
            gettext("Choose what to do instead: the form shows what there is now."),
        ]
        if refusal.reason is Refusal.FULL:
            # Who pressed twice is refused like anybody: only their mailbox may know of the first.
            said.append(gettext("If you pressed twice, look in your mail: you may have a place."))
        form.attend.data = None
        form.attend.errors = [" ".join(said)]
    elif refusal.reason is Refusal.REWORDED:
        form.consent.data, form.agrees_to.data = False, ""
        form.consent.errors = [str(refusal)]
    elif refusal.reason is Refusal.TOO_MANY_GUESTS:
        form.refuse_guests(asking.event.guests_max, str(refusal))
    else:
        form.form_errors.append(str(refusal))
        form.begins.data = ""  # they know now: the next press is for the time that it has
    return _page(asking, form, status)


def _answered(rsvp: Rsvp | None, event: Event, form: RsvpForm) -> ResponseReturnValue:
    """The same page for who answers first and who answers again: it reveals nothing.

    The key to the RSVP comes by mail alone. Only where no mail can bring it, since there is no
    server yet, a new RSVP opens at once.
    """
    by_mail = current_app.config["MAIL_SERVER"]
    if rsvp is None or rsvp.status is RsvpStatus.UNVERIFIED or by_mail:
        session["sent_to"] = form.email.data
        session["came_by"] = form.came_by
        spoken = str(get_locale())
        language = spoken if spoken != event.language else None
        return redirect(url_for(".sent", slug=event.slug, language=language), code=303)
    return redirect(url_for("rsvps.show", key=rsvp.manage_key), code=303)


def _page(
    asking: Asking, form: RsvpForm, status: int, *, is_preview: bool = False
) -> ResponseReturnValue:
    event = asking.event
    if not form.offers or event.status is EventStatus.CANCELLED:
        return _closed(asking, form)
    form.word(event)
    page = render_template(
        "rsvps/answer.html",
        is_preview=is_preview,
        event=event,
        now=now(),
        form=form,
        guests_line=guests_line(event.guests_max),
        invitation=invitation_by_key(event, form.invitation.data or ""),
        is_by_invitation=event.visibility is Visibility.INVITATION,
        all_wait=_all_wait(form),
        none_at_once=all(offer.waits or offer.option.needs_approval for offer in form.offers),
        may_watch=any(offer.option.is_virtual and not offer.waits for offer in form.offers),
    )
    return page, status


def _closed(asking: Asking, form: RsvpForm) -> ResponseReturnValue:
    """The page in the place of a form that offers nothing: RSVPs open later, or are over."""
    event, moment = asking.event, now()
    opens_at = listing.opens_next(asking.options, event, moment)
    is_to_open = opens_at is not None or not asking.options
    page = render_template(
        "rsvps/closed.html",
        event=event,
        now=moment,
        form=form,
        is_to_open=is_to_open,
        is_online=all(option.is_virtual for option in asking.options),
        opens_at=opens_at,
        closed_at=listing.closed_at(asking.options, event, moment),
    )
    status = 200 if is_to_open and not event.is_past(moment) else 410
    if request.method != "GET":
        return page, status
    # There is nothing to send: no token is needed, so no cookie.
    return cacheable(make_response(page, status), seconds=FRESH)


def _all_wait(form: RsvpForm) -> bool:
    """Whether every seat is taken: of the room, or online where there is no room."""
    in_room = [offer for offer in form.offers if not offer.option.is_virtual]
    return all(offer.waits for offer in in_room or form.offers)


@blueprint.get("/events/<slug>/rsvp/sent")
def sent(slug: str) -> ResponseReturnValue:
    """Where to look now: in the mail. Who is led here has just answered to the same event."""
    sent_to = session.get("sent_to", "")
    address = Markup("<b><bdi>{}</bdi></b>").format(sent_to)
    # Who mistyped their address needs once more what let them in.
    again = escape(url_for(".form", slug=slug, **session.get("came_by", {})))

    def render() -> tuple[str, int]:
        event = recent.of(slug).event
        access.speak(request.args.get("language", ""))
        shown = address if sent_to else ""
        return render_template("rsvps/sent.html", event=event, address=shown, form_url=again), 200

    is_like_others = sent_to and "language" not in request.args
    return pages.page(render, lambda: (address, again)) if is_like_others else render()


def invited_form(slug: str) -> str:
    """The form to which an invitation led whose "no" has not been taken."""
    access.speak_as_invited(access.published_event(slug))
    return url_for(".form", slug=slug, invitation=request.form.get("invitation", "")[:80])


@blueprint.post("/events/<slug>/rsvp/decline")
def decline(slug: str) -> ResponseReturnValue:
    """An invited person says no."""
    event = access.published_event(slug)
    invitation = invitation_by_key(event, request.form.get("invitation", ""))
    if invitation is None:
        abort(404)
    is_over = False
    try:
        invitations.decline(invitation_id=invitation.id, now=now())
    except RsvpRefused:
        is_over = True
    event = access.published_event(slug)
    access.speak_as_invited(event)
    if is_over:
        return render_template("rsvps/closed.html", event=event, now=now(), form=None), 410
    return render_template("rsvps/declined.html", event=event, key=request.form["invitation"])

"""Pages for what went wrong: what it is, and what to do now."""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3

from flask import (
    Flask,
    Response,
    current_app,
    g,
    make_response,
    render_template,
    request,
    url_for,
)
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from sqlalchemy.exc import DataError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import HTTPException

from registration.database import db
from registration.web import access, answering, editing, finding, openings, speakers, tries
from registration.web.fields import once_more
from registration.web.staff import lost

log = logging.getLogger(__name__)

#: How long whoever meets a database that is away is asked to wait.
_SECONDS_AWAY = 60

#: How much of what is too large is read all the same, and in what pieces, in bytes.
_HEARD_OUT, _PIECE = 64 * 1024 * 1024, 64 * 1024

#: Forms in which people type for long, behind a key: how each comes back as it was sent.
_KEYED_FORMS = {"editing.form": editing.ask_again, "speakers.profile": speakers.ask_again}

#: Forms that anybody can open: they come back as sent where they were sent from our own page.
_OPEN_FORMS = {
    "answering.take": lambda: answering.as_sent(once_more, 400),
    "finding.find": finding.ask_again,
    "openings.remind": openings.ask_again,
}


def init_app(app: Flask) -> None:
    """Answer every error in the page's design."""
    app.register_error_handler(CSRFError, _no_token)
    app.register_error_handler(HTTPException, _known)
    app.register_error_handler(DataError, _unfit)
    app.register_error_handler(OverflowError, _unfit)
    app.register_error_handler(ParseException, _unfit)  # a body whose chunks are none
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(NoConnectionFree, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _texts(code: int) -> tuple[str, str]:
    """Heading and advice for a status."""
    known = {
        400: (
            gettext("We could not read what was sent"),
            gettext("Go back, reload the page and send it again."),
        ),
        403: (
            gettext("This page is not for this account"),
            gettext("Sign in with an account that may open it, or ask an administrator."),
        ),
        404: (
            gettext("There is nothing at this address"),
            gettext(
                "A link from a mail must be complete: some mail programs cut long ones. "
                "We can mail you your links again."
            ),
        ),
        405: (
            gettext("This address does not work that way"),
            gettext("Open the page from the link in your mail and use its buttons."),
        ),
        410: (
            gettext("This is over"),
            gettext("What was here has ended. The list of events shows what is coming."),
        ),
        413: (
            gettext("That was too large"),
            gettext(
                "A photograph or a list may have up to 10 MB, texts up to 2 MB. Nothing was taken. "
                "Go back and send less; your browser keeps what you typed."
            ),
        ),
        429: (
            gettext("That was more than we take at once"),
            ngettext(
                "Much was sent from your network, or with this address, in a short time. Nothing "
                "is lost: wait %(num)d minute and send it again.",
                "Much was sent from your network, or with this address, in a short time. Nothing "
                "is lost: wait %(num)d minutes and send it again.",
                -(-tries.seconds_to_wait() // 60),
            ),
        ),
    }
    return known.get(
        code,
        (gettext("This did not work"), gettext("Go back and try it once more.")),
    )


def _known(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    if request_ctx.url_adapter is None:
        # The host that was asked for is none: a page of ours could link to nothing.
        return Response(f"{error.name}\n", error.code, mimetype="text/plain")
    if error.code == 413:
        _hear_out()
    heading, advice = _texts(error.code)
    if error.code == 404:
        advice = " ".join([advice, *_reasons_why_gone()])
    if isinstance(error, access.Withdrawn):
        heading = gettext("The page of this event is closed at the moment")
        advice = gettext("The organisers are changing the event. Come back later.")
        if request.method == "POST":
            advice = gettext(
                "The organisers are changing the event, so what you sent was not taken. Come back "
                "later."
            )
    if error.code == 429 and request.endpoint == "answering.take":
        try:
            answer = make_response(answering.as_sent(lambda: _texts(429)[1], 429))
        except HTTPException as gone:
            return _known(gone)
        answer.headers.extend(_kept_headers(error))
        return answer
    if error.code == 404 and _is_desk():
        advice = (
            gettext(
                "It may be gone, the event may not be one of yours any more, or the address is not "
                "complete."
            )
            if "slug" in (request.view_args or {})
            else gettext("It may be gone, or the address is not complete.")
        )
    return _page(heading, advice, error.code), error.code, dict(_kept_headers(error))


def _hear_out() -> None:
    """Read what is still being sent: whoever is cut off meanwhile, a proxy too, sees no answer."""
    left = min(request.content_length or 0, _HEARD_OUT)
    with contextlib.suppress(OSError):  # they have gone
        while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, _PIECE))):
            left -= len(piece)


def _reasons_why_gone() -> list[str]:
    """Why a link that somebody has from us may lead nowhere; we do not know which it was."""
    named = request.view_args or {}
    if "slug" in named:
        return [gettext("The page of an event that is not announced yet opens later.")]
    if not {"key", "code"} & named.keys():
        return []
    return [
        gettext(
            "If what we kept about you is erased, as you asked or some time after the event, your "
            "links have ended with it."
        ),
        gettext("If your address was corrected, use the links in the newest mail."),
    ]


def _page(heading: str, advice: str, code: int, *, left_open: str = "") -> str:
    return render_template(
        "errors/show.html",
        heading=heading,
        advice=advice,
        code=code,
        left_open=left_open,
        is_desk=_is_desk(),
    )


def _is_desk() -> bool:
    return request.path.startswith("/staff/")


def _kept_headers(error: HTTPException) -> list[tuple[str, str]]:
    kept = ("Allow", "Retry-After")
    headers = [(name, value) for name, value in error.get_headers() if name in kept]
    if error.code == 429:
        headers.append(("Retry-After", str(tries.seconds_to_wait())))
    return headers


def _no_token(error: CSRFError) -> ResponseReturnValue:
    if lost.keeps_what_was_sent():
        return lost.keep()
    try:
        if request.endpoint in _OPEN_FORMS and lost.is_from_our_own_page():
            return _OPEN_FORMS[request.endpoint]()
        if request.endpoint in _KEYED_FORMS:
            return _KEYED_FORMS[request.endpoint]()
        left_open = _left_open()
    except HTTPException as gone:
        return _known(gone)
    heading = gettext("The page was open for too long")
    if left_open:
        advice = gettext(
            "We could not be sure that this came from you, so nothing has changed. Open the page "
            "again and press the button once more. Cookies of this site must be allowed."
        )
    else:
        advice = gettext(
            "We could not be sure that this came from you. Go back, reload the page and send it "
            "again; your browser keeps what you typed. Cookies of this site must be allowed."
        )
    return _page(heading, advice, 400, left_open=left_open), 400


def _left_open() -> str:
    """The page of somebody's own whose button was pressed, if it is one; we go on in its language.

    On a phone that has restored it there is nothing to go back to.
    """
    key = (request.view_args or {}).get("key", "")
    if request.blueprint in ("rsvps", "erasing"):
        access.rsvp_by_manage_key(key)
        return url_for("rsvps.show", key=key)
    if request.endpoint == "answering.decline":
        return answering.invited_form((request.view_args or {})["slug"])
    if request.blueprint == "speakers":
        access.speaker_by_key(key)
        return url_for("speakers.show", key=key)
    return ""


def _unfit(error: Exception) -> ResponseReturnValue:
    """Numbers and signs that no database holds: nobody's page sends them."""
    log.warning("what was sent does not fit", exc_info=error)
    db.session.rollback()  # the page asks who is signed in
    heading, advice = _texts(400)
    return _page(heading, advice, 400), 400


def _database_away(error: Exception) -> ResponseReturnValue:
    """The database does not answer, or is too busy to: this ends without us."""
    cause = getattr(error, "orig", None)
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return _unexpected(error)  # SQLite's word for a statement that is wrong, or a table missing
    log.error("the database cannot be used", exc_info=error)
    db.session.rollback()
    # Every template knows who is signed in, and to look for them is to ask the database.
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]
    heading = gettext("Our records cannot be reached")
    advice = gettext(
        "Nothing that was confirmed to you is lost. Wait a minute and reload this page. If you "
        "were sending something, let your browser send it once more: what you typed goes with it."
    )
    return _page(heading, advice, 503), 503, {"Retry-After": str(_SECONDS_AWAY)}


def _unexpected(error: Exception) -> ResponseReturnValue:
    if isinstance(error, StatementError) and isinstance(error.orig, OverflowError):
        return _unfit(error)
    number = secrets.token_hex(4)
    log.error("unexpected failure %s", number, exc_info=error)
    db.session.rollback()
    heading = gettext("Something broke on our side")
    advice = gettext(
        "Nothing that was confirmed to you is lost. Wait a minute and reload this page. If you "
        "were sending something, let your browser send it once more: what you typed goes with it. "
        "If it stays, write to us and give the number %(number)s.",
        number=number,
    )
    return _page(heading, advice, 500), 500

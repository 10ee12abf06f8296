"""Letters that staff write: their Markdown with its fields filled in for one reader."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

from flask_babel import gettext
from markupsafe import Markup

from registration import entries, prose, wording
from registration.letters.letter import Letter, Link, first_name, when_of
from registration.models import Event, OutboxMail, Rsvp
from registration.times import now

#: What may stand in braces.
FIELDS = (
    "first_name",
    "name",
    "event",
    "when",
    "day",
    "time",
    "doors_time",
    "place",
    "ticket_link",
    "join_link",
    "manage_link",
    "event_link",
)
_FIELD = re.compile(r"\{([A-Za-z_]+)\}")
# Markdown leaves these words alone, also in the address of a link.
_STAND_IN = re.compile(r"zq9([a-z0]+)9qz")
_SANS = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Helvetica,Arial,sans-serif"
_TEXT = f"{_SANS};font-size:16px;line-height:24px;color:#10242b"
_STYLES = {
    "p": f'class="t" style="margin:0 0 20px;{_TEXT}"',
    "ul": f'class="t" style="margin:0 0 20px;padding:0 0 0 24px;{_TEXT}"',
    "ol": f'class="t" style="margin:0 0 20px;padding:0 0 0 24px;{_TEXT}"',
    "li": 'style="margin:0 0 6px"',
    "h3": f'class="t" style="margin:28px 0 10px;{_TEXT};font-size:19px;font-weight:bold"',
    "h4": f'class="t" style="margin:20px 0 8px;{_TEXT};font-weight:bold"',
    "blockquote": 'class="r" style="margin:0 0 20px;padding-left:16px;border-left:3px solid #ccc"',
    "hr": 'class="r" style="margin:0 0 20px;border:0;border-top:1px solid #d5dee1"',
    "a": 'class="l" style="color:#005470;overflow-wrap:anywhere"',
}  # fmt: skip
_MARK = '<mark style="padding:1px 3px;border-radius:3px;background:#e3f0f6;color:#00445c">{}</mark>'


def compose(mail: OutboxMail) -> Letter:
    """The letter of a mailing to one reader; of a test where the row itself has the text."""
    facts, event = mail.facts, mail.event
    assert event is not None
    if mail.mailing is not None:
        subject, body = mail.mailing.subject, mail.mailing.body
    else:
        subject, body = facts["subject"], facts["body"]
    values = values_for(mail.rsvp, event) if mail.rsvp else sample_values(event, facts["name"])
    subject = filled(subject, values)
    if facts.get("test"):
        subject = gettext("Test: %(subject)s", subject=subject)
    text = prose.to_text(_with_stand_ins(body), change=lambda piece: _put(piece, values.get))
    return Letter(
        subject=subject,
        heading="",
        paragraphs=[],
        body_text=text,
        body_html=_html(body, values, marked=bool(facts.get("preview"))),
        preheader=" ".join(text.split())[:140],
        links=_ways_out(mail.rsvp),
        why=_why(mail.rsvp, event),
    )


def _why(rsvp: Rsvp | None, event: Event) -> str:
    about = {"title": event.title, "when": when_of(event)}
    if rsvp is not None and rsvp.consented_at is None:
        return gettext(
            "You get this message because the organisers entered an RSVP with this address for "
            "%(title)s, %(when)s.",
            **about,
        )
    return gettext(
        "You get this message because you sent an RSVP for %(title)s, %(when)s.", **about
    )


def _ways_out(rsvp: Rsvp | None) -> list[Link]:
    if rsvp is None:
        return []
    changes = rsvp.is_live and rsvp.event.takes_place(now())
    page = gettext("Change or cancel my RSVP") if changes else gettext("Open my RSVP")
    return [
        Link(page, entries.manage_url(rsvp)),
        Link(gettext("Stop messages like this one"), entries.unsubscribe_url(rsvp)),
    ]


def unknown_fields(*texts: str) -> list[str]:
    """The words in braces that are no field."""
    found = dict.fromkeys(name for text in texts for name in _FIELD.findall(text))
    return [name for name in found if name not in FIELDS]


def used_fields(*texts: str) -> set[str]:
    """The fields that texts use."""
    return {name for text in texts for name in _FIELD.findall(text)} & set(FIELDS)


def links(body: str) -> list[str]:
    """Where the links of a text lead; a field that is a link leads somewhere."""
    put = _FIELD.sub(
        lambda found: "https://example.org/" if found[1].endswith("_link") else found[0], body
    )
    return prose.links(put, link_addresses=True)


def values_for(rsvp: Rsvp, event: Event) -> dict[str, str]:
    """What the fields say to the reader who sent this RSVP, in the locale at hand."""
    place = entries.venue(event)
    if rsvp.option.is_virtual:
        place = event.stream_note or wording.option_name(rsvp.option)
    return _of_event(event) | {
        "first_name": first_name(rsvp.name),
        "name": rsvp.name,
        "place": place,
        "ticket_link": entries.manage_url(rsvp),
        "join_link": entries.join_url(rsvp),
        "manage_link": entries.manage_url(rsvp),
    }


def sample_values(event: Event, name: str) -> dict[str, str]:
    """What the fields say in a test: nobody's links."""
    page = entries.event_url(event)
    return _of_event(event) | {
        "first_name": first_name(name),
        "name": name,
        "place": entries.venue(event),
        "ticket_link": page,
        "join_link": page,
        "manage_link": page,
    }


def _of_event(event: Event) -> dict[str, str]:
    return {
        "event": event.title,
        "when": when_of(event),
        "day": wording.day(event.starts_at, event.zone),
        "time": wording.clock(event.starts_at, event.zone),
        "doors_time": wording.clock_before(
            event.doors_at or event.starts_at, event.starts_at, event.zone
        ),
        "event_link": entries.event_url(event),
    }


def filled(text: str, values: Mapping[str, str]) -> str:
    """A single line with its fields filled in; what is no field stays."""
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), text)


def _with_stand_ins(text: str) -> str:
    return _FIELD.sub(
        lambda found: f"zq9{found[1].replace('_', '0')}9qz" if found[1] in FIELDS else found[0],
        text,
    )


def _put(text: str, value_of: Callable[[str], str | None]) -> str:
    """Text with values where the stand-ins were."""

    def value(found: re.Match[str]) -> str:
        known = value_of(found[1].replace("0", "_"))
        return found[0] if known is None else known

    return _STAND_IN.sub(value, text)


def _html(body: str, values: Mapping[str, str], *, marked: bool) -> Markup:
    """The body as HTML for mail programs. Values are text: a name with an asterisk stays one."""
    page = prose.to_html(_with_stand_ins(body), link_addresses=True)
    pieces = re.split(r"(<a [^>]*>|</a>)", page)
    return Markup(_styled("".join(_pieces(pieces, values, marked))))  # noqa: S704 - nh3 cleaned it


def _pieces(pieces: Iterable[str], values: Mapping[str, str], marked: bool) -> Iterable[str]:
    inside_link = False

    def in_text(name: str) -> str | None:
        if name not in values:
            return None
        shown = html.escape(values[name])
        said = _MARK.format(shown) if marked else shown
        leads = _is_address(name, values[name]) and not inside_link
        return f'<a href="{shown}">{said}</a>' if leads else said

    def in_address(name: str) -> str | None:
        value = values.get(name)
        if value is None:
            return None
        return html.escape(value) if _is_address(name, value) else quote(value)

    for piece in pieces:
        if piece.startswith("<a "):
            inside_link = True
            yield _put(piece, in_address)
        elif piece == "</a>":
            inside_link = False
            yield piece
        else:
            yield _put(piece, in_text)


def _is_address(name: str, value: str) -> bool:
    """Whether a value may be a link: a name may not, since anybody types any for any mailbox."""
    return name not in ("name", "first_name") and value.startswith(("http://", "https://"))


def _styled(page: str) -> str:
    """The styles in the tags themselves, since mail programs drop sheets."""
    return re.sub(
        r"<(p|ul|ol|li|h3|h4|blockquote|hr|a)(?=[ >])",
        lambda found: f"<{found[1]} {_STYLES[found[1]]}",
        page,
    )

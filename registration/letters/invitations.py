"""Letters to people who are invited and have not answered."""

from __future__ import annotations

from flask_babel import gettext

from registration import entries
from registration.letters.letter import (
    Letter,
    Link,
    Place,
    facts_of,
    first_name,
    preheader_of,
    when_of,
)
from registration.models import OutboxMail


def invitation(mail: OutboxMail) -> Letter:
    """The personal invitation to an event."""
    invited = mail.invitation
    assert invited is not None
    event = invited.event
    url = f"{entries.event_url(event)}/rsvp?invitation={invited.key}"
    return Letter(
        subject=gettext("Invitation: %(title)s, %(when)s", title=event.title, when=when_of(event)),
        heading=gettext("Will you join us, %(name)s?", name=first_name(invited.name))
        if invited.name
        else gettext("Will you join us?"),
        paragraphs=[part for part in (event.summary,) if part],
        preheader=preheader_of(event, event.summary),
        button=Link(gettext("Answer the invitation"), url),
        button_note=gettext("The invitation is personal: yes or no, it takes a minute."),
        events=[facts_of(event, [Place(event.venue_name, event.venue_address.splitlines())])],
        why=gettext("You get this message because you are invited to this event."),
    )

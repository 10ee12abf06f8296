"""Which column of a list is which field: by its name, in the languages that people name them."""

from __future__ import annotations

from collections.abc import Sequence

from registration.composing import decomposed
from registration.models import ImportKind, Question
from registration.sheets import Sheet

_INVITEE_FIELDS = ("email", "name", "first_name", "last_name", "organisation", "language")
_RSVP_FIELDS = (*_INVITEE_FIELDS, "job_title", "option", "guests", "rsvp_by", "status")
_NAMES: dict[str, tuple[str, ...]] = {
    "email": ("email", "mail", "emailaddress", "mailaddress", "address", "courriel", "adresseemail",
              "adressemail", "adresseelectronique", "adressecourriel", "emailadresse", "correo"),
    "name": ("name", "fullname", "nomcomplet", "attendee", "attendeename", "guestname", "nomprenom",
             "prenomnom", "nometprenom", "prenometnom", "vornamenachname", "nachnamevorname",
             "vorundnachname", "firstnamelastname", "firstandlastname", "displayname",
             "participant", "invitee", "person"),
    "first_name": ("firstname", "givenname", "first", "prenom", "vorname", "forename", "nombre"),
    "last_name": ("lastname", "surname", "familyname", "last", "nom", "nomdefamille", "nachname",
                  "apellido", "apellidos"),
    "organisation": ("organisation", "organization", "company", "affiliation", "institution", "org",
                     "societe", "organisme", "firma", "employer", "agency", "companyorganisation"),
    "job_title": ("jobtitle", "title", "position", "role", "fonction", "poste", "job", "funktion"),
    "language": ("language", "lang", "langue", "sprache", "preferredlanguage", "locale"),
    "option": ("option", "attendance", "attends", "mode", "ticket", "tickettype", "way", "how",
               "participation", "attendanceoption", "attendingas", "format", "teilnahme",
               "teilnahmeart", "modalite"),
    "guests": ("guests", "guest", "guestnames", "companions", "invites", "accompagnants",
               "begleitung", "begleitpersonen", "gaste"),
    "rsvp_by": ("rsvpby", "inscriptionpar"),
    "status": ("status", "attendeestatus", "rsvpstatus", "statut", "etat", "rsvp", "estado"),
}  # fmt: skip


def fields_of(kind: ImportKind, questions: Sequence[Question]) -> list[str]:
    """The fields that a column can be: ours, and for RSVPs the event's questions."""
    if kind is ImportKind.INVITEES:
        return list(_INVITEE_FIELDS)
    return [*_RSVP_FIELDS, *(f"question.{question.id}" for question in questions)]


def guess(sheet: Sheet, kind: ImportKind, questions: Sequence[Question]) -> dict[str, int]:
    """Which column is which field, by its name; the address by what stands in it, if need be."""
    headings = [plain(name) for name in sheet.header]
    labels = {f"question.{question.id}": (plain(question.label),) for question in questions}
    found: dict[str, int] = {}
    for name in fields_of(kind, questions):
        for wanted in labels.get(name) or _NAMES[name]:
            if wanted in headings and headings.index(wanted) not in found.values():
                found[name] = headings.index(wanted)
                break
    if "email" not in found:
        for number in range(len(sheet.header)):
            some = [cells[number] for _line, cells in sheet.rows[:50] if cells[number]]
            if some and sum("@" in cell for cell in some) * 2 > len(some):
                found = {name: column for name, column in found.items() if column != number}
                found["email"] = number
                break
    # "Nom" is the family name beside a "prénom", and the whole name alone.
    if "name" not in found and "last_name" in found and "first_name" not in found:
        found["name"] = found.pop("last_name")
    return found


def plain(text: str) -> str:
    """A name without accents, case and signs: "E-Mail" is "email"."""
    apart = decomposed(text).casefold()
    return "".join(letter for letter in apart if letter.isalnum())

"""Rows of the editor: added, moved and removed with or without JavaScript.

The order of the hidden `row` fields in the form is the order of the rows; each row's fields begin
with its key: the id of a saved row, or a word of a new one. A button that moves, adds or removes
sends the whole form and has it back changed; nothing is saved before "Save".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any

from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms.fields.choices import SelectChoice

from registration import pictures, wording
from registration.models import AttendanceOption, Event, Publication
from registration.web.staff.editor_row_forms import (
    AgendaRow,
    OptionRow,
    PersonRow,
    PublicationRow,
    QuestionRow,
    RowForm,
)
from registration.web.staff.wallclock import moments

ROWS: dict[str, type[RowForm]] = {
    "people": PersonRow,
    "agenda": AgendaRow,
    "publications": PublicationRow,
    "questions": QuestionRow,
    "options": OptionRow,
}
#: What a form calls a field of the table, where that differs.
_FIELD_NAMES: dict[str, dict[str, str]] = {
    "people": {"title": "job"},
    "agenda": {"title": "title_"},
    "publications": {"title": "title_"},
    "questions": {"label": "question"},
    "options": {"label": "name"},
}


#: The key of a row: the id of a saved one, or a word of a new one. What else is sent is no row.
_KEY = re.compile(r"\d{1,18}|[a-zA-Z]\w{0,39}", re.ASCII)


class Rows:
    """The rows of one kind as a form shows them, in order."""

    def __init__(
        self,
        name: str,
        event: Event,
        options: Sequence[AttendanceOption],
        publications: Sequence[Publication],
    ) -> None:
        self.name, self.event = name, event
        self._options = [SelectChoice(option.id, wording.option_name(option)) for option in options]
        self._publications = [SelectChoice(item.id, item.title) for item in publications]
        self.forms: list[tuple[str, Any]] = []
        self.problems: list[Any] = []

    def fill(self, saved: Sequence[dict[str, Any]]) -> None:
        """Show the rows as they are saved."""
        names = _FIELD_NAMES[self.name]
        for row in saved:
            key = str(row["id"])
            data = {names.get(name, name): value for name, value in row.items()}
            form = self._form(key, None, data)
            for field in moments(form):
                field.show_in(self.event.zone)
            self.forms.append((key, form))

    def read(
        self,
        formdata: MultiDict[str, Any],
        files: MultiDict[str, Any],
        saved: Sequence[dict[str, Any]],
    ) -> None:
        """Take the rows as they were sent. What is saved as it stands may stay so."""
        known = {str(row["id"]): row for row in saved}
        sent = CombinedMultiDict([formdata, files])
        for key in dict.fromkeys(formdata.getlist("row")):
            if _KEY.fullmatch(key) and len(self.forms) < 500:
                form = self._form(key, sent, {})
                for name in set(form.names) & known.get(key, {}).keys():
                    form[name].object_data = known[key][name]
                self.forms.append((key, form))
        self.keep_photos(saved)

    def keep_photos(self, saved: Sequence[dict[str, Any]]) -> None:
        """Show the photographs as they are saved where none was chosen or taken away here."""
        shown = {str(row["id"]): row.get("photo", "") for row in saved}
        for key, form in self.forms:
            if "photo" in form and form.photo.data and not pictures.is_upload(form.photo.data):
                form.photo.data = shown.get(key, "")

    def act(self, action: str) -> None:
        """Add, move or remove a row."""
        verb, _colon, key = action.partition(":")
        keys = [known for known, _form in self.forms]
        if verb == "add":
            key = f"new{secrets.token_hex(3)}"
            form = self._form(key, None, self._blank())
            for field in moments(form):
                field.show_in(self.event.zone)
            self.forms.append((key, form))
        elif key in keys:
            at = keys.index(key)
            row = self.forms.pop(at)
            if verb in ("up", "down"):
                self.forms.insert(max(0, at + (-1 if verb == "up" else 1)), row)
            elif verb != "remove":
                self.forms.insert(at, row)

    def blank(self) -> Any:
        """An empty row, for a page that adds rows by itself."""
        form = self._form("KEY", None, self._blank())
        for field in moments(form):
            field.show_in(self.event.zone)
        return form

    def validate(self) -> bool:
        """Check every row; its problems name it."""
        fine = True
        for _key, form in self.forms:
            is_fine = form.validate()
            fine = (form.resolve(self.event) and is_fine) and fine
        return fine

    def values(self) -> list[dict[str, Any]]:
        """What is to be saved."""
        return [
            {"id": int(key) if key.isdigit() else None, **form.values()} for key, form in self.forms
        ]

    def _blank(self) -> dict[str, Any]:
        return {"starts_at": self.event.starts_at} if self.name == "agenda" else {}

    def _form(self, key: str, sent: Any, data: dict[str, Any]) -> Any:
        form = ROWS[self.name](formdata=sent, prefix=f"{key}-", data=data)
        own = [item for item in self._publications if str(item.value) != key]
        form.offer(self.event, self._options, own)
        return form

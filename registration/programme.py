"""The rows of an event: people, programme, publications, questions, ways to attend.

A list is saved as a whole, in its new order: rows with an id are kept and changed, others are
made, and those that are missing go, as row_kinds.py says of each kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from registration import (
    audience,
    audit,
    editions,
    emails,
    lineup,
    pictures,
    revisions,
    seating,
)
from registration.database import db, transaction
from registration.models import (
    AttendanceMode,
    AttendanceOption,
    Event,
    Question,
    Speaker,
    SpeakerStatus,
)
from registration.revisions import EditedMeanwhile, Row, fingerprint
from registration.row_kinds import KINDS, Kind


def rows_of(event: Event, name: str) -> list[dict[str, Any]]:
    """The rows as they are saved, in their order, each with its id."""
    kind = KINDS[name]
    return [
        {"id": row.id, **{field: getattr(row, field) for field in kind.names}}
        for row in _saved(event, name)
    ]


def retired_questions(event: Event) -> list[Question]:
    """Questions that were answered and are not asked any more."""
    return list(
        db.session.scalars(
            select(Question)
            .where(Question.event_id == event.id, Question.retired_at.is_not(None))
            .order_by(Question.position)
        )
    )


def _saved(event: Event, name: str) -> list[Any]:
    model = KINDS[name].model
    wanted = select(model).where(model.event_id == event.id)
    if model is Speaker:
        wanted = wanted.where(Speaker.status != SpeakerStatus.CANCELLED)
    if model is Question:
        wanted = wanted.where(Question.retired_at.is_(None))
    order = model.position if KINDS[name].is_ordered else model.starts_at
    return list(db.session.scalars(wanted.order_by(order, model.id)))


def save(
    *,
    event_id: int,
    name: str,
    rows: Sequence[Row],
    seen: str,
    staff_id: int | None,
    now: datetime,
) -> int:
    """Save a list of rows, once if it is sent twice.

    `seen` is the fingerprint of the rows that were shown. Speakers in whose calendars something
    differs are mailed at once: how many. Capacities of ways that exist are left alone: capacity.py
    changes them and fills the seats. Raises EditedMeanwhile, and EventRefused for a row that must
    not go.
    """
    kind, mailed = KINDS[name], 0
    photos: set[str] = set()
    with pictures.chosen([row.get("photo") for row in rows]) as chosen, transaction():
        event = seating.lock(event_id).event
        current = rows_of(event, name)
        if name == "people":
            rows = _with_photos(rows, chosen, current)
        if name == "publications":
            rows = _without_lost_originals(rows)
        if seen and fingerprint(current) != seen:
            if not _say_the_same(rows, current, is_ordered=kind.is_ordered):
                raise EditedMeanwhile({"rows": current})
            return 0
        if fingerprint([dict(row) for row in rows]) == fingerprint(current):
            return 0
        saved = {row.id: row for row in _saved(event, name)}
        rows, asked = _with_others_anew(kind, saved, rows)
        written = _replace(kind, event, saved, rows, now)
        if name == "options" and _is_called_otherwise(current, rows):
            editions.begin(event, now=now)
        if name == "people":
            photos = {row["photo"] for row in current} - {row.get("photo") for row in rows}
            mailed = _tell_speakers(event, {row["id"]: row["email"] for row in current}, now)
            mailed += sum(lineup.invite_instead(written[position], now) for position in asked)
        revisions.count(event, now)
        audit.record(
            "event.edited",
            now=now,
            staff_id=staff_id,
            event_id=event_id,
            part=name,
            **_changes(event, name, current, rows),
        )
    pictures.discard(*photos)
    return mailed


def _with_photos(
    rows: Sequence[Row], chosen: Sequence[str | None], current: Sequence[Row]
) -> list[Row]:
    """The rows with the photograph that was chosen for each; None: with the one it has."""
    shown = {row["id"]: row["photo"] for row in current}
    return [
        {**row, "photo": shown.get(row["id"], "") if photo is None else photo}
        for row, photo in zip(rows, chosen, strict=True)
    ]


def _is_called_otherwise(current: Sequence[Row], rows: Sequence[Row]) -> bool:
    """Whether a room has another label, by which entries say where in the house to go."""
    labels = {row["id"]: row["label"] for row in rows}
    return any(
        labels.get(row["id"], row["label"]) != row["label"]
        for row in current
        if row["mode"] is AttendanceMode.IN_PERSON
    )


def _say_the_same(rows: Sequence[Row], current: Sequence[Row], *, is_ordered: bool) -> bool:
    """Whether these rows are saved already: what was new has a number by then."""
    known = {row["id"] for row in rows} & {row["id"] for row in current}
    sent = [fingerprint({**row, "id": row["id"] if row["id"] in known else None}) for row in rows]
    saved = [
        fingerprint({**row, "id": row["id"] if row["id"] in known else None}) for row in current
    ]
    return sent == saved if is_ordered else sorted(sent) == sorted(saved)


def _without_lost_originals(rows: Sequence[Row]) -> list[Row]:
    """The rows, of which none is a translation of one that goes."""
    kept = {row["id"] for row in rows}
    return [
        row if row["translation_of_id"] in kept else {**row, "translation_of_id": None}
        for row in rows
    ]


def _changes(event: Event, name: str, before: Sequence[Row], sent: Sequence[Row]) -> Row:
    """What an edit has added, removed, changed and moved, for the audit log."""
    referred: revisions.Referred = ("", ())
    if name == "questions":
        referred = "option_id", rows_of(event, "options")
    elif name == "publications":
        referred = "translation_of_id", before
    changes = revisions.row_changes(before, rows_of(event, name), sent, referred=referred)
    return changes | {"moved": KINDS[name].is_ordered and changes["moved"]}


def _with_others_anew(
    kind: Kind, saved: Mapping[Any, Any], rows: Sequence[Row]
) -> tuple[list[Row], list[int]]:
    """The rows, new ones where they are of another one now; and at which places one was asked."""
    found, asked = list[Row](), list[int]()
    for position, row in enumerate(rows):
        before = saved.get(row.get("id"))
        if before is None or not kind.is_another(before, row):
            found.append(row)
            continue
        found.append({**row, "id": None})
        if before.is_asked:
            asked.append(position)
    return found, asked


def _replace(
    kind: Kind, event: Event, saved: Mapping[Any, Any], rows: Sequence[Row], now: datetime
) -> list[Any]:
    """Remove what is not among these rows, and write them in their order; what is there then."""
    for gone in saved.keys() - {row.get("id") for row in rows}:
        kind.remove(saved[gone], now)
    db.session.flush()
    if kind.is_ordered:
        _park(kind, event.id)
    db.session.flush()
    written = [
        _apply(kind, event, saved.get(row.get("id")), row, position)
        for position, row in enumerate(rows)
    ]
    db.session.flush()
    return written


def _park(kind: Kind, event_id: int) -> None:
    """Make room for the new order: no two rows may share a position even for a moment.

    Rows that are kept though they are gone from the list stay parked, and the others go below.
    """
    model = kind.model
    lowest = db.session.scalar(select(func.min(model.position)).where(model.event_id == event_id))
    db.session.execute(
        update(model)
        .where(model.event_id == event_id, model.position >= 0)
        .values(position=min(lowest or 0, 0) - 1 - model.position)
        .execution_options(synchronize_session="fetch")
    )


def _apply(kind: Kind, event: Event, row: Any, values: Row, position: int) -> Any:
    """The row with these values, a new one where there is none."""
    is_new = row is None
    if is_new:
        row = lineup.new_speaker(event) if kind.model is Speaker else kind.model(event_id=event.id)
    else:
        kind.accept(row, values)
    for name in kind.names:
        if name in values and (is_new or (kind.model, name) != (AttendanceOption, "capacity")):
            setattr(row, name, values[name])
    if kind.is_ordered:
        row.position = position
    if is_new:
        db.session.add(row)
    return row


def _tell_speakers(event: Event, addresses: Mapping[int, str], now: datetime) -> int:
    """Tell speakers whose own times or place, or `addresses`, have changed; how many."""
    told = 0
    for speaker in _saved(event, "people"):
        before = addresses.get(speaker.id, speaker.email)
        if speaker.email != before:
            told += emails.speaker_readdressed(speaker, before=before, now=now)
    if not event.is_off(now):
        for speaker in audience.speakers_with_entry(event.id):
            if _own_part_differs(speaker):
                told += emails.speaker_moved(speaker, now=now)
    return told


def _own_part_differs(speaker: Speaker) -> bool:
    told, says = speaker.told, editions.facts_of_speaker(speaker)
    own = ("starts_at", "ends_at", "part", "room", "venue")
    return bool(told) and any(told.get(name, says[name]) != says[name] for name in own)

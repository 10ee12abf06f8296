"""The terminal's door: `flask --app app …`, one command for each thing that an operator does."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
from collections import Counter
from functools import partial
from pathlib import Path

import click
import flask_migrate.cli
from flask import Flask, current_app
from sqlalchemy import select

from registration import (
    clock,
    demo,
    exports,
    fates,
    formats,
    imports,
    inbox,
    listing,
    matching,
    roster,
    service,
    sheets,
    speakers,
    staff,
    upkeep,
    wording,
)
from registration.commands import Commands, tell_too
from registration.database import db
from registration.models import Event, EventStatus, ImportKind, StaffRole
from registration.roster import Filters
from registration.times import now

commands = Commands()
# Once, here: the group of `flask db` is one for all applications.
tell_too(flask_migrate.cli.db)


def init_app(app: Flask) -> None:
    """Add the commands."""
    for group in (commands, upkeep.commands):
        for command in group.commands.values():
            app.cli.add_command(command)


@commands.group("staff", cls=Commands)
def staff_group() -> None:
    """Accounts of the staff."""


@commands.group("speakers", cls=Commands)
def speakers_group() -> None:
    """The people on the programme."""


@commands.command()
def serve() -> None:
    """Migrate, load the demo data into a new database, start web and worker until Ctrl-C."""
    sys.exit(service.run(current_app._get_current_object()))  # type: ignore[attr-defined]


@commands.command("inbox")
@click.option("--stdin", is_flag=True, help="Read one mail from standard input.")
def inbox_in(stdin: bool) -> None:
    """Take calendars' replies and mails that came back: from INBOX_URL, or one mail from stdin."""
    config = current_app.config
    authserv = config["INBOX_AUTHSERV"]
    if stdin:
        taken = inbox.read(sys.stdin.buffer.read(), authserv=authserv, now=now())
    elif url := config["INBOX_URL"]:
        try:
            ca_file = config["MAIL_CA_FILE"]
            taken = inbox.fetch(url, authserv=authserv, now=now(), ca_file=ca_file)
        except inbox.MailboxClosed as problem:
            raise click.ClickException(f"the mailbox of INBOX_URL: {problem}") from problem
    else:
        raise click.ClickException("set INBOX_URL, or pipe a mail in with --stdin")
    # It runs each minute: cron would mail each line.
    if taken:
        click.echo(f"replies taken: {taken}")


@commands.command()
def worker() -> None:
    """Deliver mail and do what time brings due, until Ctrl-C or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    clock.run(current_app._get_current_object(), stop)  # type: ignore[attr-defined]


@commands.command("demo")
@click.option("--attendees", type=click.IntRange(0, 1_000_000), default=0, metavar="N",
              help="Add N plausible RSVPs, for trying lists at size.")  # fmt: skip
@click.option("--event", "slug", default="policing-in-conflict", show_default=True,
              help="The event they go to.")  # fmt: skip
def demo_data(attendees: int, slug: str) -> None:
    """Load the demo events; events that are there already stay as they are."""
    # Its events would stand on the public pages among true ones.
    if current_app.config["PRODUCTION"]:
        raise click.ClickException("PRODUCTION is set: no demo data is loaded")
    made = demo.load(now=now())
    click.echo(f"{made} demo events made." if made else "The demo events are there already.")
    if attendees:
        event = _event(slug)
        try:
            demo.add_attendees(event_id=event.id, number=attendees, now=now())
        except LookupError as refusal:
            raise click.ClickException(f"{slug} takes no RSVPs") from refusal
        click.echo(f"{attendees} RSVPs added to {slug}.")


@staff_group.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice([str(role) for role in StaffRole]),
              help="By default an account keeps its own; a new one is an organiser's.")  # fmt: skip
@click.option("--name", default="")
@click.option("--event", "slugs", multiple=True, help="An event this account works on; repeatable.")
@click.option("--password", default="", help="By default one is made and printed.")
def add_staff(
    email: str, role: str | None, name: str, slugs: tuple[str, ...], password: str
) -> None:
    """Make an account, or give an existing one a new password; with --role, that role."""
    made = not password
    password = password or secrets.token_urlsafe(12)
    try:
        account = staff.add(
            email=email,
            role=StaffRole(role) if role else None,
            password=password,
            name=name,
            event_slugs=slugs,
            now=now(),
        )
    except staff.StaffRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{account.email} may sign in as {account.roles[0].name}.")
    if made:
        click.echo(f"Password: {password}")
    if account.tf_primary_method or account.webauthn:
        command = f"flask --app app staff unlock {account.email}"
        click.echo(f"Codes and passkeys stay; if they are lost: {command}")


@staff_group.command("unlock")
@click.argument("email")
def unlock_staff(email: str) -> None:
    """Take codes and passkeys off an account whose owner has lost them; the password stays."""
    try:
        account = staff.by_email(email)
        staff.forget_factors(
            account_id=account.id,
            staff_id=None,
            forgot_path=current_app.url_map.bind("").build("security.forgot_password"),
            now=now(),
        )
    except staff.StaffRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{account.email} signs in with the password alone.")


@speakers_group.command("invite")
@click.argument("slug")
def invite_speakers(slug: str) -> None:
    """Invite the people of an event who have an address and were not asked yet."""
    waiting = speakers.to_invite(_event(slug).id)
    for speaker_id in waiting:
        speakers.invite(speaker_id=speaker_id, staff_id=None, now=now())
    click.echo(f"{len(waiting)} invitations written to the outbox.")


@commands.command()
@click.argument("slug")
@click.option("--format", "format", type=click.Choice(list(formats.WRITERS)), default="csv",
              show_default=True)  # fmt: skip
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path),
              help="A file; by default SLUG.FORMAT, and - is standard output.")  # fmt: skip
@click.option("--status", type=click.Choice(roster.STATUSES), help="Only RSVPs in this state.")
@click.option("--search", default="", help="Only who is found by this.")
@click.option("--columns", default="",
              help="Their keys, separated by commas; `--columns list` lists them.")  # fmt: skip
@click.option("--sensitive", is_flag=True, help="With access needs and sensitive answers.")
def export(
    slug: str,
    format: str,
    output: Path | None,
    status: str | None,
    search: str,
    columns: str,
    sensitive: bool,
) -> None:
    """Write the attendees of an event to a file."""
    event = _event(slug)
    if columns == "list":
        for column in exports.columns_of(event):
            click.echo(f"{column.key:16} {column.label}")
        return
    filters = Filters(status=status or "", search=search)
    chosen = [key.strip() for key in columns.split(",") if key.strip()]
    try:
        made = exports.Export(event, filters, format=format, sensitive=sensitive, columns=chosen)
    except exports.UnknownColumn as unknown:
        raise click.ClickException(f"there is no column {unknown}") from unknown
    target = str(output or f"{slug}.{format}")
    try:
        # It holds names and addresses: nobody else may read a file that is made for it.
        with (
            click.open_file(target, "wb")
            if target == "-"
            else open(target, "wb", opener=partial(os.open, mode=0o600))
        ) as file:
            file.writelines(exports.hand_out(made, now=now()))
    except OSError as problem:
        raise click.FileError(target, problem.strerror) from problem
    if target != "-":
        click.echo(f"Written to {target}.")


@commands.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "kind", type=click.Choice([str(kind) for kind in ImportKind]), required=True,
              help="What each row is.")  # fmt: skip
@click.option("--option", "label", default="", help="Way to attend of rows that name none.")
@click.option("--mail/--no-mail", default=True, show_default=True, help="Mail each person.")
@click.option("--wait/--no-wait", default=True, show_default=True,
              help="Put on the waitlist whom no seat is left for, or leave them out.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would become of each row; change nothing.")
def import_list(
    slug: str, file: Path, kind: str, label: str, mail: bool, wait: bool, dry_run: bool
) -> None:
    """Take in a list of invitees or RSVPs, CSV or XLSX: in one go, all rows that can be."""
    event, what = _event(slug), ImportKind(kind)
    options = {wording.option_name(option): option for option in listing.options_of(event)}
    if label and label not in options:
        raise click.ClickException(f"--option: there is no {label!r}, but: {', '.join(options)}")
    if mail and event.status is EventStatus.DRAFT and not dry_run:
        raise click.ClickException(f"{slug} is not published: publish it first, or give --no-mail")
    chosen = options.get(label) or (next(iter(options.values())) if len(options) == 1 else None)
    try:
        sheet = sheets.read(file.read_bytes(), file.name)
        plan = fates.Plan(
            columns=matching.guess(sheet, what, listing.questions_of(event)),
            option_id=chosen.id if chosen else None,
            sends_mail=mail,
            waits=wait,
        )
        click.echo(f"{file.name}: {sheet.reading}, {len(sheet.rows)} rows")
        for name, column in plan.columns.items():
            click.echo(f"  {name}: {sheet.titles[column]}")
        if what is ImportKind.RSVPS and options and not chosen and "option" not in plan.columns:
            raise click.ClickException(
                f"no column says how they attend: give --option, one of: {', '.join(options)}"
            )
        rows = imports.dry_run(event, sheet, what, plan, now=now())
        for row in rows:
            if row.is_left_out:
                click.echo(f"  line {row.line}: {row.fate}, {row.email or '-'}. {row.why}")
        if dry_run:
            met = Counter(row.fate for row in rows if row.fate is not None)
        else:
            met = imports.run(
                event_id=event.id,
                sheet=sheet,
                kind=what,
                plan=plan,
                staff_id=None,
                file_name=file.name,
                now=now(),
            )
    except (sheets.SheetRefused, imports.ImportRefused) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(", ".join(f"{number} {fate}" for fate, number in met.items()))
    if met[fates.Fate.UNKNOWN_OPTION] and chosen is None:
        click.echo(f"Rows that name no way to attend take --option: {', '.join(options)}")
    if dry_run:
        click.echo("Dry run: nothing was changed.")


def _event(slug: str) -> Event:
    event = db.session.scalars(select(Event).where(Event.slug == slug)).one_or_none()
    if event is None:
        raise click.ClickException(f"there is no event {slug!r}")
    return event

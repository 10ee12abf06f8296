"""The terminal's commands that keep the house: backups, who was erased, what is wrong."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import click

from registration import backups, doctor, imports, outbox, retention, suppression
from registration.commands import Commands
from registration.database import db, write_file_anew
from registration.times import now

commands = Commands()


@commands.group("erased", cls=Commands)
def erased_group() -> None:
    """The list of who was erased, which outlives a restored backup."""


@commands.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Copy the database as it is now to FILE, while everything goes on."""
    try:
        backups.save(file)
    except backups.BackupRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"Written to {file}.")


@commands.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Put a backup into an empty database and bring its schema up to date."""
    try:
        backups.restore(file)
    except backups.BackupRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo("Restored. Check it with: flask --app app doctor")
    click.echo(
        "Who was erased since the backup was made is in it again. Before anything else runs:"
    )
    click.echo(
        "flask --app app erased apply LIST (of the old database: flask --app app erased save)"
    )
    if waiting := outbox.waiting():
        click.echo(
            f"Mails that waited when the backup was made: {waiting}. Those that have gone since go "
            "once more as soon as a worker runs, unless they are taken back in the outbox before."
        )


@erased_group.command("save")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def save_erased(file: Path) -> None:
    """Write which RSVPs were erased to FILE, in the place of an older list; nothing personal."""
    try:
        number = suppression.save(file)
    except suppression.ListRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{number} erased RSVPs written to {file}.")


@erased_group.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def apply_erased(file: Path) -> None:
    """Erase in a restored database what FILE lists; nobody is mailed about it."""
    try:
        number = suppression.apply(file, now=now())
    except suppression.ListRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{number} RSVPs that the backup had brought back are erased.")


@commands.command()
def purge() -> None:
    """Erase at once what is due to be erased; the worker does the same by itself.

    Then SQLite's file is written anew: those who write wait meanwhile.
    """
    while retention.erase_due(now=now()):
        pass
    imports.forget_old(now=now())
    db.session.remove()
    click.echo("Nothing that is due to be erased is left.")
    try:
        write_file_anew()
    except sqlite3.OperationalError as trouble:
        raise click.ClickException(
            f"SQLite's file could not be written anew: {trouble}. That takes twice as much room on "
            "the disk as the file has; until then it may hold parts of what is erased"
        ) from trouble


@commands.command("doctor")
def check() -> None:
    """Check settings, database, counters, mail and worker; exit 1 if anything is wrong."""
    findings = doctor.examine(now=now())
    for finding in findings:
        click.echo(f"{'ok   ' if finding.is_fine else 'WRONG'} {finding.text}")
    if not all(finding.is_fine for finding in findings):
        sys.exit(1)

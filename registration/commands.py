"""Commands that tell in words, and in no traceback, why the database cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from registration.database import in_words


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except DBAPIError as problem:
        if told := in_words(problem):
            raise click.ClickException(told) from problem
        raise


class Command(click.Command):
    """A command that an operator can act on when it fails: it says what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. Raises ClickException where the database is not there or not ready."""
        with _telling():
            return super().invoke(ctx)


class Commands(AppGroup):
    """A group of such commands; each runs within the application."""

    command_class = Command


def tell_too(group: click.Group) -> None:
    """Let the commands of an extension's group, which are none of ours, say what to do as well."""
    for command in group.commands.values():
        if command.callback is not None:
            command.callback = _telling()(command.callback)

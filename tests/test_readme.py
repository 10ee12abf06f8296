"""The README is true: it names every setting, and nothing that is none."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from registration.settings import Settings

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_every_setting_stands_in_the_table_and_the_table_names_no_other():
    table = README.split("## Settings")[1].split("## ")[0]
    named = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1])
    }
    assert named == {name.upper() for name in Settings.model_fields}


def test_every_command_that_is_named_exists(app: Flask):
    table = README.split("More from the command line")[1].split("## ")[0]
    named = re.findall(r"^\| `([a-z]+)", table, flags=re.M)
    assert named
    assert set(named) <= set(app.cli.commands) | {"db"}

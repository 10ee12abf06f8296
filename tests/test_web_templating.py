"""Templates as they are written: a branch that no test renders must not break on a person."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
from jinja2 import Environment, nodes

# Filters that take the name of another filter, or of a test, and where it stands.
_NAMES_A_FILTER = {"map": 0}
_NAMES_A_TEST = {"select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}


def test_every_filter_and_test_that_a_template_names_is_there(app: Flask) -> None:
    environment = app.jinja_env
    missing = [
        f"{template}:{line}: {name}"
        for template in environment.list_templates(extensions=["html", "txt", "xml"])
        for line, name in unknown(environment, template)
    ]
    assert missing == []


def unknown(environment: Environment, template: str) -> Iterator[tuple[int, str]]:
    """The filters and tests that a template names and the environment does not know."""
    assert environment.loader is not None
    tree = environment.parse(environment.loader.get_source(environment, template)[0])
    named = [(test.lineno, test.name, environment.tests) for test in tree.find_all(nodes.Test)]
    for one in tree.find_all(nodes.Filter):
        named.append((one.lineno, one.name, environment.filters))
        for takes, known in (
            (_NAMES_A_FILTER, environment.filters),
            (_NAMES_A_TEST, environment.tests),
        ):
            place = takes.get(one.name, len(one.args))
            if place < len(one.args) and isinstance(name := one.args[place], nodes.Const):
                named.append((one.lineno, name.value, known))
    for line, name, known in named:
        if name not in known:
            yield line, name

"""Accounts of the staff, as the verbs and the terminal make them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from flask import Flask
from flask_security import hash_password
from sqlalchemy import func, select

from app import create_app
from registration import staff
from registration.database import db
from registration.models import Role, Staff, StaffRole
from tests.conftest import NOW, settings_for
from tests.factories import make_staff

ADMINS = 6


def close(account_id: int, by: int) -> None:
    staff.set_active(account_id=account_id, active=False, staff_id=by, now=NOW)


def demote(account_id: int, by: int) -> None:
    staff.change(
        account_id=account_id,
        name="",
        role=StaffRole.DOOR,
        staff_id=by,
        now=NOW,
    )


@pytest.mark.parametrize("remove", [close, demote])
def test_admins_who_remove_each_other_at_once_leave_one(
    app: Flask, remove: Callable[[int, int], None]
) -> None:
    ids = [make_staff().id for _admin in range(ADMINS)]
    db.session.rollback()
    together = Barrier(ADMINS)

    def act(number: int) -> bool:
        with app.app_context():
            together.wait()
            try:
                remove(ids[number - 1], ids[number])
            except staff.StaffRefused:
                return False
            return True

    with ThreadPoolExecutor(ADMINS) as pool:
        done = list(pool.map(act, range(ADMINS)))

    assert sorted(done) == [False] + [True] * (ADMINS - 1)
    left = select(func.count()).where(Staff.active, Staff.roles.any(Role.name == StaffRole.ADMIN))
    assert db.session.scalar(left) == 1


def test_a_password_costs_its_guesser_what_rfc_9106_recommends(tmp_path: Path) -> None:
    """Asked of the product as it is: the application of the tests hashes with less."""
    with create_app(settings_for(f"sqlite:///{tmp_path / 'no.db'}", tmp_path)).app_context():
        digest = hash_password("correct horse battery")
    assert extract_parameters(digest) == RFC_9106_LOW_MEMORY

"""Accounts of the staff, as the verbs and the terminal make them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from registration import staff
from registration.database import db
from registration.models import Role, Staff, StaffRole
from tests.conftest import NOW
from tests.factories import make_staff

ADMINS = 6


def close(account_id: int, by: int) -> None:
    staff.set_active(account_id=account_id, active=False, staff_id=by, now=NOW)


def demote(account_id: int, by: int) -> None:
    staff.change(
        account_id=account_id,
        name="",
        role=StaffRole.DOOR,
        event_ids=[],
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

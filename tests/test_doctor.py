"""What the doctor says of settings, mail server, mailbox and disk, beside counters and schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from registration import doctor
from registration.models import StaffRole
from tests.conftest import NOW
from tests.factories import make_staff
from tests.imap_server import mailbox
from tests.smtp_servers import Mailbox, serving

SIGNED = b"Authentication-Results: MX.example.org; dmarc=pass\nFrom: a@example.org\n\nHello.\n"
FORGED = b"Authentication-Results: mx.elsewhere.example; dmarc=pass\n" + SIGNED


def wrong() -> list[str]:
    """What is wrong, but for the schema, which tests make without migrations."""
    found = [finding.text for finding in doctor.examine(now=NOW) if not finding.is_fine]
    return [text for text in found if "is at migration none" not in text]


def test_finds_nothing_wrong_where_nothing_is(app: Flask) -> None:
    assert wrong() == []


def test_names_what_production_still_has_of_the_demo(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PRODUCTION", True)
    monkeypatch.setitem(app.config, "BASE_URL", "https://events.example.org")
    monkeypatch.setitem(app.config, "ORGANISATION_NAME", "An Institute")
    monkeypatch.setitem(app.config, "CALENDAR_ADDRESS", "calendar@institute.example")
    make_staff()
    said = [text.split()[0] for text in wrong()]
    assert said == ["ORGANISATION_ADDRESS", "CONTACT_EMAIL", "TRUSTED_PROXIES", "no"]
    assert "no MAIL_SERVER is set" in wrong()[-1]


def test_says_in_production_that_nobody_can_administer(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_staff(StaffRole.ORGANISER)
    make_staff(active=False)
    assert wrong() == []
    monkeypatch.setitem(app.config, "PRODUCTION", True)
    assert any("staff add EMAIL --role admin" in text for text in wrong())
    make_staff()
    assert not any("staff add" in text for text in wrong())


def test_says_that_no_picture_could_be_kept(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "UPLOAD_FOLDER", "/proc/uploads")
    assert [text.split(":")[0] for text in wrong()] == ["UPLOAD_FOLDER"]


def test_leaves_nothing_on_the_disk(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "UPLOAD_FOLDER", str(tmp_path / "pictures" / "of events"))
    assert wrong() == []
    assert list(tmp_path.iterdir()) == []


class TestMailServer:
    def test_is_signed_in_to_and_given_nothing(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        box = Mailbox()
        with serving(box) as port:
            monkeypatch.setitem(app.config, "MAIL_SERVER", "127.0.0.1")
            monkeypatch.setitem(app.config, "MAIL_PORT", port)
            found = [finding.text for finding in doctor.examine(now=NOW) if finding.is_fine]
            assert f"the mail server 127.0.0.1:{port} lets us in" in found
        assert box.asked == box.taken == []

    def test_that_is_not_there_or_offers_no_encryption_is_named(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "MAIL_SERVER", "127.0.0.1")
        monkeypatch.setitem(app.config, "MAIL_PORT", 1)
        assert any("127.0.0.1:1: [Errno 111]" in text for text in wrong())
        with serving(Mailbox()) as port:
            monkeypatch.setitem(app.config, "MAIL_PORT", port)
            monkeypatch.setitem(app.config, "MAIL_USE_TLS", True)
            assert any("STARTTLS" in text for text in wrong())


class TestMailbox:
    @pytest.mark.parametrize(
        ("mails", "authserv", "said"),
        [
            ([SIGNED], "mx.example.org", []),
            ([], "mx.example.org", []),
            ([SIGNED], "", ["INBOX_AUTHSERV is not set: anybody can decline for another"]),
            ([SIGNED], "imap.example.org", ["imap.example.org, but mails there are signed by mx."]),
            ([FORGED], "mx.example.org", ["signed by mx.elsewhere.example: what fails DMARC"]),
        ],
    )
    def test_tells_whose_word_about_senders_counts(
        self,
        app: Flask,
        monkeypatch: pytest.MonkeyPatch,
        mails: list[bytes],
        authserv: str,
        said: list[str],
    ) -> None:
        with mailbox(*mails) as (server, url):
            monkeypatch.setitem(app.config, "INBOX_URL", url)
            monkeypatch.setitem(app.config, "INBOX_AUTHSERV", authserv)
            found = wrong()
            assert len(server.mails) == len(mails)
        assert len(found) == len(said)
        assert all(words in text for words, text in zip(said, found, strict=True))

    def test_that_does_not_answer_is_said(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "INBOX_URL", "imap://me:hidden@127.0.0.1:1/INBOX")
        (said,) = wrong()
        assert said.startswith("the mailbox of INBOX_URL: 127.0.0.1 does not answer")
        assert "hidden" not in said

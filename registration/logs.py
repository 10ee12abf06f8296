"""What is written to logs: one JSON object a line, without keys of links and without people."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from gunicorn.glogging import Logger as GunicornLogger

_KEY = re.compile(
    r"/(rsvp|j|t|speaker|unsubscribe|staff/(?:reset|account/address|second-factor|passkeys?|verify/passkey))"
    r"/[^/\s?\"']+"
)
# PostgreSQL shows the row that it refuses, and what people wrote may have lines.
_DETAIL = re.compile(r"^DETAIL:.*?(?=\n\[SQL: |\n\nThe above |\Z)", re.MULTILINE | re.DOTALL)
_QUERY = re.compile(r"\?[^\s\"']*")
# Whatever may stand before the sign (RFC 5322, 3.2.3), dots too; looked at once.
_ADDRESS = re.compile(r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+")
#: How gunicorn says from where a request came that it could not read.
_NETWORK = re.compile(r"\bip=\S+")


def cleaned(text: str) -> str:
    """The text with keys, queries, rows, mail addresses and visitors' networks taken out."""
    text = _KEY.sub(r"/\1/…", text)
    text = _DETAIL.sub("DETAIL: …", text)
    text = _QUERY.sub("?…", text)
    text = _NETWORK.sub("ip=…", text)
    return _ADDRESS.sub("…@…", text)


class Lines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """When, how grave, from where, what; and where it broke."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": cleaned(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = cleaned(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def configure() -> None:
    """Write everything from warnings on to standard error, in lines.

    Whoever starts us. Where logging is set up already it stays as it is.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class Logger(GunicornLogger):  # type: ignore[misc]
    """gunicorn's log in the same lines: `gunicorn --logger-class registration.logs.Logger`."""

    def setup(self, cfg: object) -> None:
        """Let gunicorn set its handlers up, and give them our lines."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(Lines())

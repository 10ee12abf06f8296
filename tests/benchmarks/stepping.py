"""The whole product on a clock that steps: `python -m tests.benchmarks.stepping FILE`.

FILE says by how many seconds the clock is wrong at the moment; every process looks there.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app import create_app
from registration import service


def main() -> int:
    """Serve until told to stop."""
    app, wrong = create_app(), Path(sys.argv[1])
    app.config["NOW"] = lambda: datetime.now(UTC) + timedelta(seconds=float(wrong.read_text()))
    with app.app_context():
        return service.run(app)


if __name__ == "__main__":
    sys.exit(main())

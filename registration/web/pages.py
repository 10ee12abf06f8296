"""Pages that belong to no event: privacy, accessibility, health."""

from __future__ import annotations

import hmac
from functools import cache
from pathlib import Path

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from registration import metrics
from registration.database import db
from registration.models import StaffRole
from registration.times import now
from registration.web.headers import cacheable
from registration.web.staff.access import has_role

blueprint = Blueprint("pages", __name__)


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    """What is kept of people, why and how long."""
    return render_template("pages/privacy.html")


@blueprint.get("/accessibility")
def accessibility() -> ResponseReturnValue:
    """What is done so that everybody can take part, and whom to tell where it fails."""
    return render_template("pages/accessibility.html")


@blueprint.get("/brand-<int:hue>.css")
def brand(hue: int) -> ResponseReturnValue:
    """The institution's colour, where it is not the default."""
    if not 0 <= hue <= 359:
        abort(404)
    sheet = f"@layer tokens {{ :root {{ --hue: {hue} }} }}\n"
    return cacheable(Response(sheet, mimetype="text/css"), seconds=86_400, translated=False)


@blueprint.get("/media/<path:name>")
def media(name: str) -> ResponseReturnValue:
    """An uploaded picture. Its name is random and never used again."""
    answer = send_from_directory(current_app.config["UPLOAD_FOLDER"], name, max_age=31_536_000)
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


@blueprint.get("/healthz")
def health() -> ResponseReturnValue:
    """Whether this process can serve: 200, or 503 without a database that has our tables.

    Tables of a later version are right: while an update goes round, older processes go on.
    """
    try:
        present = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError:
        return jsonify(status="no database"), 503
    if (present or "") < _latest_migration(current_app.extensions["migrate"].directory):
        return jsonify(status="old tables"), 503
    return jsonify(status="ok")


@cache
def _latest_migration(folder: str) -> str:
    """The number of the last migration: each file's name begins with its own, "0031"."""
    return max(path.name for path in Path(folder, "versions").glob("[0-9]*.py")).partition("_")[0]


@blueprint.get("/metrics")
def numbers() -> ResponseReturnValue:
    """What a monitor watches; for who brings METRICS_TOKEN, and for administrators."""
    token = str(current_app.config["METRICS_TOKEN"])
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    knows = bool(token) and hmac.compare_digest(sent.encode(), token.encode())
    if not knows and not (current_user.is_authenticated and has_role(StaffRole.ADMIN)):
        abort(404)
    return Response(
        metrics.exposition(now=now()), content_type="text/plain; version=0.0.4; charset=utf-8"
    )


@blueprint.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """Robots stay out of what is personal, and learn where the events are."""
    closed = ("/rsvp/", "/j/", "/t/", "/speaker/", "/unsubscribe/", "/staff/", "/find")
    rules = "".join(f"Disallow: {path}\n" for path in closed)
    sitemap = current_app.config["BASE_URL"] + url_for("events.sitemap")
    said = f"User-agent: *\n{rules}\nSitemap: {sitemap}\n"
    return cacheable(Response(said, mimetype="text/plain"), seconds=86_400, translated=False)

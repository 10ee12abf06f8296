"""A form is taken with its token, and from a page of ours."""

from __future__ import annotations

from typing import Any

from flask import abort, g, request
from flask_wtf import CSRFProtect


class OwnForms(CSRFProtect):
    """Flask-WTF's protection; where a form comes from is asked of what browsers do say.

    On https the extension wants a Referer of every form, and pages whose address is a key let
    none go, not even to us: nobody could cancel there.
    """

    def protect(self, apply_exemptions: bool = False) -> None:
        """Refuse what has no token of ours, and what another site sends."""
        g.pop("csrf_valid", None)
        super().protect(apply_exemptions)
        if "csrf_valid" in g and _is_foreign():  # else it is no form, or needs no token
            self._error_response("The form is another site's.")

    def _get_csrf_token(self) -> Any:
        """The token of a form whose fields all have names; the extension fails at one without."""
        if None in request.form:
            abort(400)
        return super()._get_csrf_token()


def _is_foreign() -> bool:
    """Whether a browser says that another site sends this.

    Sec-Fetch-Site is true whatever the policy of referrers is (W3C Fetch Metadata, 2.4). Browsers
    without it say their Origin, which is null where a page lets no Referer go.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    if not request.is_secure:
        return False
    ours = request.host_url.rstrip("/")
    origin = request.headers.get("Origin", "null")
    if origin != "null":
        return origin != ours
    return bool(request.referrer) and not f"{request.referrer}/".startswith(f"{ours}/")

"""What browsers and caches are told with every answer."""

from __future__ import annotations

from flask import Flask, Response, current_app, g, request

#: What a page may load, unless its route says more in g.frame_sources.
POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
#: The policy of a mail's HTML in the frame in which staff see it: its own styles and pictures.
FRAMED_MAIL = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
#: On https: for a year, nothing else (RFC 6797).
STAY_ON_HTTPS = "max-age=31536000; includeSubDomains"
#: Endpoints whose address holds a key: it must not leave in a Referer.
KEYED = ("rsvps.", "tickets.", "editing.", "erasing.", "lobby.", "speakers.", "unsubscribe.")
#: Endpoints of what is personal, which search engines are to forget if a link has led them there.
PERSONAL = (*KEYED, "answering.", "finding.", "openings.")


def init_app(app: Flask) -> None:
    """Add the headers to every answer."""
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    endpoint = request.endpoint or ""
    policy = dict(POLICY)
    if sources := g.get("frame_sources"):
        policy["frame-src"] = " ".join(sources)
    response.headers.setdefault(
        "Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in policy.items())
    )
    response.headers["Referrer-Policy"] = (
        "no-referrer" if endpoint.startswith(KEYED) else "same-origin"
    )
    if endpoint.startswith(PERSONAL):
        response.headers["X-Robots-Tag"] = "noindex"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Permissions-Policy"] = (
        "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"
    )
    if current_app.config["BASE_URL"].startswith("https://"):
        response.headers["Strict-Transport-Security"] = STAY_ON_HTTPS
    # Flask-Security writes it as no-store=True, which is no word of RFC 9111.
    if "no-store" in response.headers.get("Cache-Control", "no-store"):
        response.headers["Cache-Control"] = "private, no-store"
    return response


def cacheable(response: Response, *, seconds: int, translated: bool = True) -> Response:
    """Let any cache keep what is the same for all, and answer 304 where it is unchanged.

    It is kept for each language if it is translated for its reader. What is about one event is in
    that event's language for all who have not chosen one, and a feed has each event in its own.

    What lets somebody in stands in the page's links to itself in other languages. There are caches
    that leave an address's query out of account: they would show it to others.
    """
    if {"invitation", "code"} & request.args.keys():
        return response
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    known = current_app.config["LANGUAGES"]
    if translated and len(known) > 1:
        response.vary.add("Cookie")
        if g.get("language") not in known:
            response.vary.add("Accept-Language")
    response.add_etag()
    response.make_conditional(request)
    return response

"""Tries that are limited: counted before they are made, given back where they do not count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import wraps

from flask import Response, abort, after_this_request, current_app, g, request
from flask.typing import ResponseReturnValue
from limits import RateLimitItem, parse

from registration.web.limits import limiter, network

#: The name of the setting that limits tries, and what they are counted under.
Allowance = tuple[str, str]
View = Callable[..., ResponseReturnValue]


def count(allowances: Iterable[Allowance], *, counts: Callable[[Response], bool]) -> None:
    """Count the try that this request is, and give it back unless its answer `counts`.

    To count and to compare is one step: of many that come at once no more pass than of a queue.
    Where an allowance is used up the request ends here, with 429, and is not counted itself.
    """
    hits: list[tuple[RateLimitItem, str]] = []
    for setting, key in allowances:
        limit = parse(current_app.config[setting])
        hits.append((limit, key))
        if not limiter.hit(limit, key):
            g.counts_anew_at = limiter.anew_at(limit, key)
            _give_back(hits)
            abort(429)

    @after_this_request
    def settle(response: Response) -> Response:
        if not counts(response):
            _give_back(hits)
        return response


def of_guesses(kind: str) -> Allowance:
    """What one network may guess of a kind of secret that is short enough to be guessed."""
    return "LIMIT_GUESSES_PER_NETWORK", f"{kind}:from:{network()}"


def per_network(setting: str) -> Callable[[View], View]:
    """A view to which one network may send as many forms as the setting says, whatever is in them.

    To read it counts for nothing.
    """

    def allowances() -> list[Allowance]:
        if request.method != "POST":
            return []
        return [(setting, f"{request.endpoint}:from:{network()}")]

    return counted(allowances, counts=lambda _answer: True)


def counted(
    allowances: Callable[[], Iterable[Allowance]], *, counts: Callable[[Response], bool]
) -> Callable[[View], View]:
    """A view each of whose requests is a try; `counts` says for which answers."""

    def decorated(view: View) -> View:
        @wraps(view)
        def tried(**about: str) -> ResponseReturnValue:
            count(allowances(), counts=counts)
            return view(**about)

        return tried

    return decorated


def seconds_to_wait() -> int:
    """Until the limit that was met counts anew."""
    anew_at = g.get("counts_anew_at")
    return 60 if anew_at is None else max(1, int(anew_at - time.time()))


def _give_back(hits: Iterable[tuple[RateLimitItem, str]]) -> None:
    for limit, key in hits:
        limiter.hit(limit, key, cost=-1)

"""A real browser on a real server: the product as people see it.

`site` is an application of its own on SQLite behind a server thread, its clock at NOW and to be
moved by `site.now`. `open_page` opens pages in Chromium at a width, in a scheme, with or without
JavaScript. `assert_accessible` runs axe-core (axe.min.js, MPL 2.0, see LICENSE-axe.txt).
"""

from __future__ import annotations

import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from werkzeug.serving import make_server

from app import create_app
from registration.database import Base, db
from registration.models import Staff
from registration.web.limits import limiter
from tests.conftest import NOW, empty_every_table, make_passwords_cheap, settings_for
from tests.signing_in import session_cookie

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDTHS: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}
# A busy machine may take long to film a code; how fast anything is, the benchmarks say.
expect.set_options(timeout=30_000)
#: The page as it is, then what it folds: menus one by one, since they lie over one another. What is
#: well takes a quarter of the time to hand over.
_LOOK = """async () => {
  const told = {resultTypes: ["violations"]};
  const {violations} = await axe.run(document, told);
  const folded = [...document.querySelectorAll("details:not([open])")];
  const menus = folded.filter((details) => details.matches(".menu"));
  const parts = folded.filter((details) => !details.matches(".menu"));
  for (const opened of [parts, ...menus.map((menu) => [menu])].filter((some) => some.length)) {
    for (const details of opened) details.open = true;
    violations.push(...(await axe.run({include: opened}, told)).violations);
    for (const details of opened) details.open = false;
  }
  return violations;
}"""
_AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here; without a browser it is skipped, or refused where one is required."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")
            if not CHROMIUM.exists():
                if os.environ.get("REQUIRE_BROWSER"):
                    raise pytest.UsageError(f"there is no browser at {CHROMIUM}")
                item.add_marker(pytest.mark.skip(reason=f"there is no browser at {CHROMIUM}"))


@dataclass
class Site:
    """The product on the loopback interface."""

    app: Flask
    url: str
    now: datetime = NOW


@pytest.fixture(scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{folder / 'site.db'}"
    # The port is known before the application is made, since mails and tickets hold its address.
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    app = create_app(settings_for(url, folder, base_url=address))
    server.app = app
    make_passwords_cheap(app)
    with app.app_context():
        Base.metadata.create_all(db.engine)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(app, address)
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def site(_served: Site) -> Iterator[Site]:
    """The site on an empty database, the context pushed: factories and verbs write to it."""
    _served.now = NOW
    _served.app.config["NOW"] = lambda: _served.now
    with _served.app.app_context():
        limiter.reset()
        yield _served
        db.session.rollback()
        empty_every_table()
        db.session.remove()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once for all tests."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def _idle(browser: Browser) -> dict[tuple[bool, str], list[Page]]:
    """Tabs that no test has at the moment, by whether they run scripts and by language.

    Chromium takes four times as long for a first page of a new profile as for one more page.
    """
    return defaultdict(list)


@pytest.fixture
def open_page(
    browser: Browser, site: Site, _idle: dict[tuple[bool, str], list[Page]]
) -> Iterator[Callable[..., Page]]:
    """Open an address of the site in a profile that knows nothing.

    A script error or a refused resource (Content-Security-Policy) fails the test. `before` is a
    script that runs before any of the page's. `own` is for tests that leave something in a profile
    which cannot be taken out of it: a clock, a lost network, a key for sign-in.
    """
    borrowed: list[tuple[tuple[bool, str], Page]] = []
    owned: list[BrowserContext] = []
    trouble: list[str] = []

    def note_error(error: Error) -> None:
        trouble.append(str(error))

    def note_refusal(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            trouble.append(f"{message.location['url']}: {message.text}")

    def open_(
        path: str = "/",
        *,
        width: str = "desktop",
        scripts: bool = True,
        scheme: str = "light",
        account: Staff | None = None,
        before: str = "",
        locale: str = "en-US",
        own: bool = False,
    ) -> Page:
        kind = (scripts, locale)
        if _idle[kind] and not (own or before):
            page = _idle[kind].pop()
        else:
            context = browser.new_context(
                base_url=site.url,
                java_script_enabled=scripts,
                locale=locale,
                timezone_id="Europe/Berlin",
            )
            context.add_init_script(before)
            page = context.new_page()
        if own or before:
            owned.append(page.context)
        else:
            borrowed.append((kind, page))
        if account is not None:
            sign_in_context(page.context, site, account)
        page.set_viewport_size(WIDTHS[width])
        # In motion axe might look at a colour that is on its way to another one.
        page.emulate_media(media="screen", color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.on("pageerror", note_error)
        page.on("console", note_refusal)
        page.goto(path)
        return page

    yield open_
    for kind, page in borrowed:
        page.remove_listener("pageerror", note_error)
        page.remove_listener("console", note_refusal)
        _forget(page, site.url)
        _idle[kind].append(page)
    for context in owned:
        context.close()
    assert trouble == []


def _forget(page: Page, origin: str) -> None:
    """Make a tab and its profile know as little as new ones."""
    page.unroute_all()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.navigate", {"url": "about:blank"})
    devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    devtools.send("Network.clearBrowserCache")
    devtools.detach()
    page.context.clear_cookies()


def sign_in_context(context: BrowserContext, site: Site, account: Staff) -> None:
    """Sign a profile in without the sign-in page."""
    value = session_cookie(site.app, account)
    context.add_cookies([{"name": "session", "value": value, "url": site.url}])


#: Both widths and both schemes, each once: where they meet, nothing is new.
in_both_looks = pytest.mark.parametrize(
    ("width", "scheme"), [("desktop", "light"), ("phone", "dark")]
)


@pytest.fixture(params=list(WIDTHS))
def width(request: pytest.FixtureRequest) -> str:
    """On a desk and on a phone."""
    return str(request.param)


def assert_accessible(page: Page) -> None:
    """No violation by axe-core's rules, WCAG 2.2 AA among them, and no sideways scrolling.

    What the page folds is looked at open: a closed menu is not looked at.

    The first heading is the page's own, but for that of the problems which are read out first.

    Whoever has just sent something waits first for what only the page after it shows.
    """
    page.wait_for_load_state()
    page.evaluate(_AXE)
    found: list[dict[str, Any]] = page.evaluate(_LOOK)
    problems = [
        {"rule": rule["id"], "help": rule["help"], "at": [node["target"] for node in rule["nodes"]]}
        for rule in found
    ]
    assert problems == [], f"{page.url}: {json.dumps(problems, indent=1)}"
    first = page.locator("h1, h2:not(#problem), h3, h4").first.evaluate(
        "heading => heading.tagName"
    )
    assert first == "H1", f"{page.url} begins with {first}"
    overflow = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, f"{page.url} is {overflow} px too wide"

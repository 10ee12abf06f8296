"""The door on a phone, with a camera that sees a real QR code, and two doors at once."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page, Route, expect

from registration import entries, qr
from registration.database import db
from registration.models import Rsvp, Staff, StaffRole
from registration.parties import attendees
from tests.browser.conftest import CHROMIUM, FLAGS, Site, assert_accessible, sign_in_context
from tests.factories import make_event, make_option, make_rsvp, make_staff


@pytest.fixture
def rsvp(site: Site) -> Rsvp:
    return make_rsvp(
        make_option(make_event(title="Policing in Conflict", guests_max=1)),
        name="Amina Okonkwo-Bell",
        organisation="Lagos Centre for Security Studies",
        guests=["Gérard Étienne-Baptiste"],
        needs_step_free=True,
    )


@pytest.fixture
def door(rsvp: Rsvp) -> Staff:
    return make_staff(StaffRole.DOOR, rsvp.event, name="Noor")


def door_of(rsvp: Rsvp) -> str:
    return f"/staff/events/{rsvp.event.slug}/door"


def film_of(text: str, film: Path) -> Path:
    """A film of a QR code as an uncompressed video that Chromium's fake camera plays."""
    code = (
        Image.open(io.BytesIO(qr.png(text, scale=6)))
        .convert("RGB")
        .rotate(4, expand=True, fillcolor="white")
    )
    frame = Image.new("RGB", (640, 480), (90, 96, 104))
    frame.paste(code, ((640 - code.width) // 2, (480 - code.height) // 2))
    light, blue, red = frame.convert("YCbCr").split()
    planes = light.tobytes() + b"".join(plane.resize((320, 240)).tobytes() for plane in (blue, red))
    film.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + planes) * 10)
    return film


@pytest.fixture
def phone_with_camera(
    browser: Browser, site: Site, tmp_path: Path
) -> Iterator[Callable[[str, Staff], Page]]:
    """A phone whose camera sees the QR code of a text, signed in as an account.

    Where the camera is allowed it was allowed before: the page starts it by itself.
    """
    opened = []

    def open_(text: str, account: Staff, *, allowed: bool = True, before: str = "") -> Page:
        film = film_of(text, tmp_path / "camera.y4m")
        flags = [
            *FLAGS,
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
            *(["--use-fake-ui-for-media-stream"] if allowed else []),
        ]
        chromium = browser.browser_type.launch(executable_path=str(CHROMIUM), args=flags)
        opened.append(chromium)
        context = chromium.new_context(
            base_url=site.url, viewport={"width": 390, "height": 844}, has_touch=True
        )
        if allowed:
            context.grant_permissions(["camera"])
        sign_in_context(context, site, account)
        context.add_init_script(before)
        return context.new_page()

    yield open_
    for chromium in opened:
        chromium.close()


def test_the_camera_reads_a_ticket_and_the_door_says_admitted(phone_with_camera, rsvp, door):
    page = phone_with_camera(entries.ticket_url(attendees(rsvp)[0].ticket_code), door)
    refused = []
    page.on(
        "console", lambda message: refused.append(message.text) if message.type == "error" else None
    )
    page.goto(door_of(rsvp))

    expect(page.get_by_role("heading", name="Admitted")).to_be_visible()
    expect(page.locator("[data-result]")).to_contain_text("Amina Okonkwo-Bell")
    expect(page.locator("b[data-inside]")).to_have_text("1")
    expect(page.locator("[data-live]")).to_contain_text("Amina Okonkwo-Bell")
    assert_accessible(page)
    # The same code, still before the camera, is not asked for until the next guest is called.
    page.get_by_role("link", name="Next guest").click()
    expect(page.get_by_role("heading", name="Already in")).to_be_visible()
    expect(page.locator("[data-result]")).to_contain_text("let in by Noor")
    assert refused == []


def test_a_blocked_camera_is_told_and_the_field_still_works(phone_with_camera, rsvp, door):
    page = phone_with_camera("nothing", door, allowed=False)
    page.goto(door_of(rsvp))
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("The camera is blocked")
    page.get_by_label("Name or ticket number").fill(attendees(rsvp)[0].spoken_code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Admitted")).to_be_visible()


def test_a_camera_that_was_taken_away_is_offered_anew(phone_with_camera, rsvp, door):
    page = phone_with_camera("no ticket", door)
    page.goto(door_of(rsvp))
    expect(page.locator("video")).to_be_visible()
    page.evaluate(
        "document.querySelector('video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("video")).to_be_visible()


# A decoder of the browser's own that sees one ticket, whatever is before the camera.
OWN_DECODER = """
window.BarcodeDetector = class {
  static getSupportedFormats() { return Promise.resolve(["ean_13", "qr_code"]); }
  constructor({ formats }) { this.formats = formats; }
  async detect({ videoWidth }) {
    return this.formats[0] === "qr_code" && videoWidth ? [{ rawValue: "%s" }] : [];
  }
};
"""


def test_the_browsers_own_decoder_is_used_where_there_is_one(phone_with_camera, rsvp, door):
    code = attendees(rsvp)[0].ticket_code
    page = phone_with_camera("no ticket", door, before=OWN_DECODER % code)
    loaded = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(door_of(rsvp))
    expect(page.get_by_role("heading", name="Admitted")).to_be_visible()
    assert not [url for url in loaded if "jsqr" in url.lower()]


# What the page makes heard and felt, in a list; and no asking for the counts by the clock.
SENSES = """
window.felt = []; window.heard = [];
navigator.vibrate = (pattern) => felt.push(pattern);
window.AudioContext = class {
  currentTime = 0;
  resume() {}
  createOscillator() {
    return {
      frequency: {},
      connect: (next) => next,
      start() { heard.push([this.type, this.frequency.value]); },
      stop() {},
    };
  }
  createGain() { return { gain: {}, connect: (next) => next }; }
};
window.setInterval = () => 0;
"""


# What a service worker lets through, page.route does not see.
NO_WORKER = "delete Navigator.prototype.serviceWorker;"


def answer_to(page: Page, typed: str, word: str) -> dict[str, list[object]]:
    """What is felt and heard with the answer to a ticket."""
    page.evaluate("felt.length = heard.length = 0")
    page.get_by_label("Name or ticket number").fill(typed)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=word)).to_be_visible()
    return page.evaluate("({ felt, heard })")


def test_each_answer_is_felt_and_heard_in_its_own_way(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door, before=SENSES)
    ticket = attendees(rsvp)[0].ticket_code
    assert answer_to(page, ticket, "Admitted") == {
        "felt": [80],
        "heard": [["sine", 660], ["sine", 990]],
    }
    assert answer_to(page, ticket, "Already in") == {
        "felt": [[90, 70, 90]],
        "heard": [["sine", 440], ["sine", 440]],
    }
    assert answer_to(page, "ZZZZ-2222", "Not found") == {"felt": [400], "heard": [["square", 160]]}
    page.get_by_role("button", name="Sound").click()
    assert answer_to(page, ticket, "Already in") == {"felt": [[90, 70, 90]], "heard": []}


def test_tickets_that_are_scanned_faster_than_answered_are_all_let_in(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="desktop", account=door, before=NO_WORKER)
    held = []
    page.route(
        "**/door",
        lambda route: (
            route.continue_() if held or route.request.method == "GET" else held.append(route)
        ),
    )
    with page.expect_request(lambda request: request.method == "POST"):
        for person in attendees(rsvp):
            page.keyboard.type(person.ticket_code)
            page.keyboard.press("Enter")
    expect(page.get_by_label("Name or ticket number")).to_have_value("")
    held[0].continue_()
    expect(page.locator("b[data-inside]")).to_have_text("2")
    expect(page.locator("[data-result]")).to_contain_text("Gérard")


def test_the_answer_leaves_in_sight_how_many_are_in(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door)
    for _ in range(2):
        page.get_by_label("Name or ticket number").fill(attendees(rsvp)[0].ticket_code)
        page.keyboard.press("Enter")
        expect(page.locator("[data-outcome] h2")).to_be_in_viewport()
        expect(page.locator(".door__count")).to_be_in_viewport(ratio=1)
        page.get_by_label("Name or ticket number").scroll_into_view_if_needed()


def test_who_was_found_and_let_in_is_not_let_in_twice_and_the_party_still_is(open_page, rsvp, door):
    page = open_page(f"{door_of(rsvp)}?q=a", width="phone", account=door)
    page.get_by_role("button", name="Let in Amina Okonkwo-Bell").click()
    expect(page.get_by_role("heading", name="Admitted")).to_be_visible()
    expect(page.get_by_role("link", name="Next guest")).to_be_focused()
    expect(page.locator("[data-found] li").first).to_contain_text("Admitted")
    expect(page.locator("[data-found]").get_by_role("button")).to_have_count(1)
    page.get_by_role("button", name="Let in Gérard").click()
    expect(page.locator("b[data-inside]")).to_have_text("2")
    page.get_by_role("link", name="Next guest").click()
    expect(page.locator("[data-found]")).to_have_count(0)
    expect(page.get_by_label("Name or ticket number")).to_have_value("")


def test_a_scanner_types_over_an_old_search_and_its_answer_ends_that_search(open_page, rsvp, door):
    page = open_page(f"{door_of(rsvp)}?q=g", width="phone", account=door)
    expect(page.get_by_role("button", name="Let in Gérard")).to_be_visible()
    page.keyboard.type(attendees(rsvp)[0].spoken_code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Admitted")).to_be_visible()
    expect(page.locator("[data-found]")).to_have_count(0)


def test_one_request_brings_the_answer_the_counts_and_who_came_last(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door, before=SENSES)
    expect(page.locator("[data-opens=always]")).to_be_visible()
    asked = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    # Meanwhile another door gave a seat to one who had none.
    make_rsvp(rsvp.option, name="Bola Walker")
    answer_to(page, attendees(rsvp)[0].ticket_code, "Admitted")
    expect(page.locator(".door__count")).to_contain_text("1 of 3 in")
    expect(page.locator("[data-live]")).to_contain_text("Amina Okonkwo-Bell")
    assert [one for one in asked if "/door" in one] == [f"POST {page.url}"]


def test_what_was_said_of_the_last_guest_does_not_stand_beside_the_next(open_page, rsvp, door):
    page = open_page(f"{door_of(rsvp)}/walk-in", width="phone", account=door)
    page.get_by_label("Name", exact=True).fill("Abena Owusu")
    page.get_by_role("button", name="Let in").click()
    said = page.get_by_text("Abena Owusu is in.")
    expect(said).to_be_visible()
    page.locator("#q").fill("ABCD-EFGH")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    expect(said).to_have_count(0)


def test_two_doors_that_take_one_ticket_let_in_once_and_say_so(open_page, site, rsvp, door):
    pages = []
    for account in (door, make_staff(StaffRole.DOOR, rsvp.event, name="Second door")):
        page = open_page(door_of(rsvp), width="phone", account=account)
        page.get_by_label("Name or ticket number").fill(attendees(rsvp)[0].ticket_code)
        pages.append(page)
    for page in pages:
        page.evaluate("document.querySelector('[data-find]').requestSubmit()")
    words = []
    for page in pages:
        expect(page.locator("[data-outcome] h2")).to_be_visible()
        words.append(page.locator("[data-outcome] h2").inner_text())
    assert sorted(words) == ["Admitted", "Already in"]


def test_a_scanner_that_types_needs_no_focus(open_page, site, rsvp, door):
    page = open_page(door_of(rsvp), width="desktop", account=door)
    page.keyboard.type(entries.ticket_url(attendees(rsvp)[1].ticket_code))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Admitted")).to_be_visible()
    expect(page.locator("[data-result]")).to_contain_text("Guest of Amina Okonkwo-Bell")


@pytest.fixture(params=["BWTCTLRQ", "T8HUXVP4"], ids=["letters", "mixed"])
def ticket(request, rsvp) -> str:
    """The ticket code of the first attendee: of letters alone it could be a name."""
    attendees(rsvp)[0].ticket_code = request.param
    db.session.commit()
    return request.param


def test_without_a_network_tickets_are_kept_and_checked_when_it_is_back(
    open_page, rsvp, door, ticket
):
    rsvp.option.capacity = 2
    db.session.commit()
    late = attendees(make_rsvp(rsvp.option, name="Late Latif"))[0].spoken_code
    page = open_page(door_of(rsvp), width="phone", account=door, before=SENSES)
    page.context.set_offline(True)
    assert answer_to(page, "Amina", "No connection")["felt"] == [400]
    page.get_by_role("link", name="Next guest").click()
    assert answer_to(page, ticket, "Not checked")["felt"] == [[90, 70, 90]]
    assert answer_to(page, entries.ticket_url(ticket), "Scanned before")["felt"] == [400]
    answer_to(page, late, "Not checked")
    expect(page.locator("[data-kept-waiting]")).to_contain_text("on this phone to be checked: 2")
    assert_accessible(page)

    page.context.set_offline(False)

    expect(page.locator("[data-kept-waiting]")).to_be_hidden()
    expect(page.locator("[data-live]")).to_contain_text("Amina Okonkwo-Bell")
    expect(page.locator("[data-kept-news] li")).to_have_count(1)
    expect(page.locator("[data-kept-news]")).to_contain_text("Late Latif")
    expect(page.locator("[data-kept-news]")).to_contain_text(
        re.compile(r"\d:\d\d\s[ap]\.m\. · On the waitlist")
    )
    assert_accessible(page)
    page.reload()
    expect(page.locator("[data-kept-news]")).to_contain_text("Late Latif")
    page.get_by_role("button", name="Seen Late Latif").click()
    expect(page.locator("[data-kept]")).to_be_hidden()
    page.reload()
    expect(page.locator("[data-find]")).to_be_visible()
    expect(page.locator("[data-kept]")).to_be_hidden()


def test_two_tabs_of_a_door_keep_their_tickets_in_one_list(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door, before=SENSES)
    expect(page.locator("[data-opens=always]")).to_be_visible()
    other = page.context.new_page()
    other.goto(door_of(rsvp))
    page.context.set_offline(True)
    first, second = attendees(rsvp)
    answer_to(page, first.ticket_code, "Not checked")
    expect(other.locator("[data-kept-waiting]")).to_contain_text("to be checked: 1")
    answer_to(other, second.ticket_code, "Not checked")
    # Neither is closed: a tab that is has the network for the moment in which it closes.
    expect(page.locator("[data-kept-waiting]")).to_contain_text("to be checked: 2")
    other.reload()
    expect(other.locator("[data-kept-waiting]")).to_contain_text("to be checked: 2")
    page.context.set_offline(False)
    for tab in (page, other):
        expect(tab.locator("[data-kept]")).to_be_hidden()
        tab.reload()
        expect(tab.locator("b[data-inside]")).to_have_text("2")
        expect(tab.locator("[data-kept]")).to_be_hidden()


def test_when_a_kept_ticket_is_checked_nothing_says_any_more_that_it_is_not(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door, before=SENSES)
    page.context.set_offline(True)
    answer_to(page, attendees(rsvp)[0].ticket_code, "Not checked")
    page.context.set_offline(False)
    expect(page.locator("b[data-inside]")).to_have_text("1")
    expect(page.get_by_role("heading", name="Not checked")).to_have_count(0)


def test_the_second_day_of_an_event_is_no_alarm(open_page, site, rsvp, door):
    rsvp.event.ends_at = rsvp.event.starts_at + timedelta(days=1, hours=8)
    db.session.commit()
    code = attendees(rsvp)[0].ticket_code
    site.now = rsvp.event.starts_at
    page = open_page(door_of(rsvp), width="phone", account=door, before=SENSES)
    expect(page.get_by_text("This event lasts several days.")).to_be_visible()
    answer_to(page, code, "Admitted")
    site.now += timedelta(days=1)
    assert answer_to(page, code, "Already in")["felt"] == [80]
    expect(page.locator("[data-result]")).to_contain_text("Since 6 December, 10:00 a.m. EST")
    assert_accessible(page)
    page.goto(f"{door_of(rsvp)}?q=amina")
    page.get_by_role("button", name="Show Amina").click()
    expect(page.get_by_role("heading", name="Already in")).to_be_visible()


def test_a_kept_ticket_survives_that_the_page_is_left(open_page, site, rsvp, door, ticket):
    page = open_page(door_of(rsvp), width="phone", account=door, before=SENSES + NO_WORKER)
    page.route(
        "**/door",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    answer_to(page, ticket, "Not checked")
    page.reload()
    expect(page.locator("[data-kept-waiting]")).to_contain_text("on this phone to be checked: 1")
    page.unroute("**/door")
    page.reload()
    expect(page.locator("b[data-inside]")).to_have_text("1")
    expect(page.locator("[data-kept]")).to_be_hidden()


def test_without_a_network_no_link_leads_away_from_the_door(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door, own=True)
    page.context.set_offline(True)
    page.get_by_role("link", name="Add a walk-in").click()
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    expect(page.get_by_label("Name or ticket number")).to_be_visible()


def test_when_the_session_has_ended_nobody_s_name_stays_and_kept_tickets_wait(
    open_page, site, rsvp, door
):
    page = open_page(door_of(rsvp), width="phone", account=door, before=SENSES)
    page.context.set_offline(True)
    answer_to(page, attendees(rsvp)[0].ticket_code, "Not checked")
    page.context.clear_cookies()
    page.context.set_offline(False)
    page.evaluate("document.querySelector('[data-door]').dispatchEvent(new Event('sent'))")
    expect(page).to_have_url(re.compile("/staff/sign-in"))
    sign_in_context(page.context, site, door)
    page.goto(door_of(rsvp))
    expect(page.locator("b[data-inside]")).to_have_text("1")
    expect(page.locator("[data-kept]")).to_be_hidden()


def test_a_door_that_was_open_before_opens_without_a_network(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door, own=True)
    expect(page.locator("[data-opens=always]")).to_be_visible()
    page.context.set_offline(True)
    page.goto(f"{door_of(rsvp)}?q=amina")
    expect(page.get_by_text("There is no connection. Tickets are kept")).to_be_visible()
    expect(page.get_by_role("heading", name="Policing in Conflict")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Name or ticket number").fill(attendees(rsvp)[0].ticket_code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Not checked")).to_be_visible()
    page.get_by_label("Name or ticket number").fill("Gérard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()

    page.context.set_offline(False)

    expect(page.locator("b[data-inside]")).to_have_text("1")
    expect(page.locator("[data-live]")).to_contain_text("Amina Okonkwo-Bell")
    expect(page.get_by_text("There is no connection. Tickets are kept")).to_have_count(0)


def test_a_door_never_keeps_the_page_of_one_release_with_the_files_of_another(
    open_page, site, rsvp, door
):
    page = open_page(door_of(rsvp), width="phone", account=door, own=True)
    expect(page.locator("[data-opens=always]")).to_be_visible()
    shell = f"**{door_of(rsvp)}/shell"

    def of_the_next_release(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("door.js?", "door.js?next-"))

    page.context.route(shell, of_the_next_release)
    with page.expect_response(shell):
        page.reload()
    kept = (
        "caches.match(`${location.pathname}/shell`, { ignoreVary: true }).then((one) => one.text())"
    )
    assert "door.js?next-" not in page.evaluate(kept)
    page.context.unroute(shell)
    page.reload()
    expect(page.locator("[data-opens=always]")).to_be_visible()
    page.context.set_offline(True)
    page.reload()
    page.get_by_label("Name or ticket number").fill(attendees(rsvp)[0].ticket_code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Not checked")).to_be_visible()


def test_who_signs_out_leaves_nobody_s_name_on_the_phone(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door, own=True)
    expect(page.locator("[data-opens=always]")).to_be_visible()
    page.evaluate("localStorage.setItem(`told ${location.pathname}`, '[]')")
    page.goto("/staff/")
    page.locator(".menu--account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/staff/sign-in"))
    assert page.evaluate("caches.keys()") == []
    assert [key for key in page.evaluate("Object.keys(localStorage)") if "told" in key] == []
    page.context.set_offline(True)
    with pytest.raises(Error, match=r"ERR_FAILED|ERR_INTERNET_DISCONNECTED"):
        page.goto(door_of(rsvp))


def test_a_name_of_eight_letters_is_searched_for(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door)
    page.get_by_label("Name or ticket number").fill("Batraest")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nobody found for “Batraest”")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=Batraest$"))


def test_without_script_code_search_and_walk_in_work(open_page, site, rsvp, door, width):
    page = open_page(door_of(rsvp), width=width, scripts=False, account=door)
    page.get_by_label("Name or ticket number").fill("etienne")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="Let in Gérard Étienne-Baptiste").click()
    expect(page.get_by_role("heading", name="Admitted")).to_be_visible()
    page.get_by_role("link", name="Next guest").click()
    page.get_by_role("link", name="Add a walk-in").click()
    page.get_by_label("Name", exact=True).fill("Wu Xin")
    page.get_by_role("button", name="Let in").click()
    expect(page.get_by_text("Wu Xin is in.")).to_be_visible()


def test_who_listens_hears_the_count_when_it_changes_and_not_when_it_does_not(
    open_page, rsvp, door
):
    page = open_page(door_of(rsvp), width="phone", account=door)
    page.evaluate(
        """() => {
          window.said = [];
          const count = document.querySelector(".door__count [aria-live]");
          new MutationObserver(() => said.push(count.textContent))
            .observe(count, { childList: true, subtree: true, characterData: true });
        }"""
    )
    for word in ("Admitted", "Already in"):
        page.get_by_label("Name or ticket number").fill(attendees(rsvp)[0].ticket_code)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=word)).to_be_visible()
    assert page.evaluate("said") == ["1 of 2 in"]


def test_the_word_of_an_answer_stays_whole_in_letters_of_twice_the_size(open_page, rsvp, door):
    page = open_page(door_of(rsvp), width="phone", account=door)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.get_by_label("Name or ticket number").fill(attendees(rsvp)[0].ticket_code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Admitted")).to_be_visible()
    for word in ("Admitted", "connection", "l’intérieur", "Inscription"):
        lines = page.locator("[data-outcome] h2").evaluate(
            """(heading, word) => {
              heading.textContent = word;
              const range = document.createRange();
              range.selectNodeContents(heading);
              return range.getClientRects().length;
            }""",
            word,
        )
        assert lines == 1, word


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_answer_is_accessible(open_page, site, rsvp, door, scheme):
    page = open_page(door_of(rsvp), width="phone", scheme=scheme, account=door)
    assert_accessible(page)
    for typed, word in [
        (attendees(rsvp)[0].ticket_code, "Admitted"),
        (attendees(rsvp)[0].ticket_code, "Already in"),
        ("ZZZZ-2222", "Not found"),
    ]:
        page.get_by_label("Name or ticket number").fill(typed)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=word)).to_be_visible()
        assert_accessible(page)

"""What staff write in Markdown is safe HTML, whatever they paste into it."""

from __future__ import annotations

import re

import pytest

from registration import prose


@pytest.mark.parametrize(
    "written",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![a pixel that tells who reads](https://evil.example.com/pixel.png)",
        "[a link](javascript:alert(1))",
        "[a link](data:text/html;base64,PHNjcmlwdD4=)",
        "[a link](vbscript:alert(1))",
        "[a link](ftp://example.org/)",
        "<javascript:alert(1)>",
        '[a link](https://example.org "a\\" onclick=\\"alert(1)")',
    ],
)
def test_nothing_runs_and_nothing_is_loaded(written: str) -> None:
    html = prose.to_html(written)
    for part in (
        "<script",
        "<img",
        'href="javascript',
        'href="data',
        'href="vbscript',
        'href="ftp',
        '" onclick',
    ):
        assert part not in html


@pytest.mark.parametrize(
    ("written", "html", "text"),
    [
        (
            "![](https://example.org/plan.png)",
            ">https://example.org/plan.png</a>",
            "https://example.org/plan.png",
        ),
        (
            "![The plan](https://example.org/plan.png)",
            ">The plan</a>",
            "The plan <https://example.org/plan.png>",
        ),
        (
            "[![The plan](https://example.org/plan.png)](https://example.org/hall)",
            'href="https://example.org/hall" rel="noopener nofollow">The plan</a>',
            "The plan <https://example.org/hall>",
        ),
        (
            "[The hall](https://example.org/hall) ![The plan](https://example.org/plan.png)",
            'href="https://example.org/plan.png" rel="noopener nofollow">The plan</a>',
            "The hall <https://example.org/hall> The plan\n<https://example.org/plan.png>",
        ),
        ("![A dot](data:image/png;base64,AAAA)", ">A dot</p>", "A dot"),
    ],
)
def test_a_picture_is_a_link_to_it_and_never_vanishes(written: str, html: str, text: str) -> None:
    assert html in prose.to_html(written)
    assert prose.to_text(written) == text


@pytest.mark.parametrize("before", range(prose.WIDTH))
def test_no_line_begins_with_a_mark_that_french_sets_apart(before: int) -> None:
    text = f"{'a' * before} « la paix : une soirée ; un débat ? oui ! »"
    for lines in (prose.fill(text), prose.to_text(text)):
        assert not [line for line in lines.split("\n") if line[0] in ":;?!»" or line[-1] == "«"]


def test_where_a_link_leads_learns_nothing_and_gains_nothing() -> None:
    html = prose.to_html("[a paper](https://example.org/paper)")
    assert 'href="https://example.org/paper"' in html
    assert 'rel="noopener nofollow"' in html


def test_each_block_reads_in_the_direction_of_its_own_words() -> None:
    html = prose.to_html("مرحبا\n\n- أولى\n\n- ثانية\n\n> قول\n\n# عنوان\n\nWelcome")
    assert re.findall(r'<(\w+) dir="auto">', html) == ["p", "ul", "blockquote", "h3", "p"]
    assert "<li>\n<p>" in html, "what had a direction of its own would not count for its list"


WRITTEN = """\
We meet
at six.\\
Doors open at five. Bring:

3. your ticket, which
   - you have in your mail,
   - or on paper
4. whatever else you need for an evening that is long and that ends rather late
5. [the plan](https://example.org/a-long-address-that-is-never-broken-anywhere/at-all/plan.pdf)

Ask <desk@example.org>, [us](mailto:us@example.org) or https://example.org/find first

    code

---

Bye
"""
PLAIN = """\
We meet at six.
Doors open at five. Bring:

3. your ticket, which
    - you have in your mail,
    - or on paper
4. whatever else you need for an evening that is long and that ends
   rather late
5. the plan
   <https://example.org/a-long-address-that-is-never-broken-anywhere/at-all/plan.pdf>

Ask desk@example.org, us <us@example.org> or https://example.org/find
first

code

--------

Bye"""


def test_in_plain_text_all_stands_where_it_was_written() -> None:
    assert prose.to_text(WRITTEN) == PLAIN


def test_an_item_of_a_list_may_have_paragraphs_or_nothing() -> None:
    assert prose.to_text("- one\n\n  more\n- two\n-\n\nBye") == " - one\n\n   more\n - two\n\nBye"


def test_words_may_be_rewritten_and_addresses_and_code_may_not() -> None:
    html = prose.to_html(WRITTEN, link_addresses=True, change=str.upper)
    for part in ("BRING:", ">THE PLAN</a>", ">US</a> OR", "</a> FIRST", "<code>code", "BYE"):
        assert part in html
    assert ' href="https://example.org/find" rel="noopener nofollow">https://example.org/f' in html
    assert "https://example.org/find</a>" not in prose.to_html(WRITTEN), "only where it is wanted"


def test_links_lead_to_pages_and_not_to_mailboxes() -> None:
    plan = "https://example.org/a-long-address-that-is-never-broken-anywhere/at-all/plan.pdf"
    assert prose.links(WRITTEN) == [plan]
    assert prose.links(WRITTEN, link_addresses=True) == [plan, "https://example.org/find"]

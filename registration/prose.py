"""What staff write in Markdown: as safe HTML, and as plain text for mails."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

#: Letters in a line of plain text.
WIDTH = 72
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False})
_TAGS = {
    "p", "br", "strong", "em", "a", "ul", "ol", "li", "blockquote", "h3", "h4", "code", "pre", "hr",
}  # fmt: skip
#: Spaces at which no line may end: French sets high punctuation apart from its word.
_TIES = re.compile(r" (?=[:;?!»](?:\s|$))|(?<=«) ")
_BARE_ADDRESS = re.compile(r"(?<![<(\[\"\w])https?://[^\s<>()\[\]]*[^\s<>()\[\].,;:!?'\"]")


def to_html(
    markdown: str,
    *,
    link_addresses: bool = False,
    change: Callable[[str], str] = lambda text: text,
) -> str:
    """Markdown as safe HTML: raw HTML is shown as text, and links can only lead to the web.

    Headings are of the third and fourth level, below those of the page. With `link_addresses`
    a web address is a link wherever it stands. `change` may rewrite each piece of text; code and
    addresses stay as they were written. Each paragraph, list or quotation reads in the direction of
    its own words: those within it follow, so that a list has its signs where it begins.
    """
    tokens = _tokens(_linked(markdown) if link_addresses else markdown)
    for token in tokens:
        if token.nesting == 1 and token.level == 0:
            token.attrSet("dir", "auto")
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h3" if token.tag in ("h1", "h2", "h3") else "h4"
        _change_words(token.children or (), change)
    return nh3.clean(
        _markdown.renderer.render(tokens, _markdown.options, {}),
        tags=_TAGS,
        attributes={"*": {"dir"}, "a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow",
    )


def links(markdown: str, *, link_addresses: bool = False) -> list[str]:
    """Where the links and pictures of a text are, those to mailboxes left out."""
    tokens = _markdown.parse(_linked(markdown) if link_addresses else markdown)
    inner = [token for block in tokens for token in block.children or ()]
    leads = [token.attrs.get("href", token.attrs.get("src")) for token in inner]
    addresses = [str(address) for address in leads if address is not None]
    return [address for address in addresses if not address.startswith("mailto:")]


def fill(text: str, *, first: str = "", indent: str = "") -> str:
    """Text in lines of at most WIDTH letters; words such as links are never broken.

    `first` stands before the first line, `indent` before the others. No line begins with a mark
    that belongs to the word before it.
    """
    return textwrap.fill(
        _TIES.sub("\u00a0", text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def to_text(markdown: str, *, change: Callable[[str], str] = lambda text: text) -> str:
    """Markdown as plain text in lines of at most WIDTH letters, links behind their words.

    `change` may rewrite each piece of text before it is wrapped.
    """
    blocks: list[str] = []
    lists: list[int] = []  # the next number of each open list; 0 for bullets
    marker = ""
    for token in _tokens(_linked(markdown)):
        if token.type == "bullet_list_open":
            lists.append(0)
        elif token.type == "ordered_list_open":
            lists.append(int(token.attrs.get("start", 1)))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            marker = f"{lists[-1]}. " if lists[-1] else "- "
            lists[-1] += bool(lists[-1])
        elif token.type == "inline":
            indent = "   " * len(lists)
            first = indent[: -len(marker)] + marker if marker and lists else indent
            text = change(_inline_text(token.children or []))
            lines = [
                fill(line, first=first if number == 0 else indent, indent=indent)
                for number, line in enumerate(text.split("\n"))
            ]
            blocks.append(("\n" if marker and lists else "\n\n") + "\n".join(lines))
            marker = ""
        elif token.type in ("fence", "code_block"):
            blocks.append("\n\n" + change(token.content.rstrip()))
        elif token.type == "hr":
            blocks.append("\n\n" + "-" * 8)
        if token.type.endswith("_list_open") and len(lists) == 1:
            blocks.append("\n")
    return "".join(blocks).strip("\n")


def _change_words(tokens: Sequence[Token], change: Callable[[str], str]) -> None:
    is_address = False
    for token in tokens:
        if token.type in ("link_open", "link_close"):
            is_address = token.type == "link_open" and token.info == "auto"
        elif token.type == "text" and not is_address:
            token.content = change(token.content)


def _tokens(markdown: str) -> list[Token]:
    """What a text is made of; a picture is a link to it.

    Pages and mails load nothing from elsewhere, since that tells others who reads them.
    """
    tokens = _markdown.parse(markdown)
    for token in tokens:
        if token.children:
            token.children = list(_without_pictures(token.children))
    return tokens


def _without_pictures(tokens: Sequence[Token]) -> Iterator[Token]:
    inside_link = False
    for token in tokens:
        inside_link = token.type == "link_open" or (inside_link and token.type != "link_close")
        if token.type != "image":
            yield token
            continue
        address = str(token.attrs["src"])
        is_elsewhere = not address.startswith("data:")  # what is in the text itself has no address
        shown = Token("text", "", 0, content=token.content or (address if is_elsewhere else ""))
        if inside_link or not is_elsewhere:
            yield shown
        else:
            yield Token("link_open", "a", 1, attrs={"href": address})
            yield shown
            yield Token("link_close", "a", -1)


def _inline_text(tokens: Sequence[Token]) -> str:
    pieces: list[str] = []
    opened: list[tuple[int, str]] = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            pieces.append(token.content)
        elif token.type == "softbreak":
            pieces.append(" ")
        elif token.type == "hardbreak":
            pieces.append("\n")
        elif token.type == "link_open":
            opened.append((len(pieces), str(token.attrs.get("href", ""))))
        elif token.type == "link_close":
            begin, address = opened.pop()
            label = "".join(pieces[begin:])
            if address.removeprefix("mailto:") != label:
                pieces.append(f" <{address.removeprefix('mailto:')}>")
    return "".join(pieces)


def _linked(markdown: str) -> str:
    return _BARE_ADDRESS.sub(lambda found: f"<{found[0]}>", markdown)

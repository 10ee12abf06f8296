"""The picture of an event that goes with its address into messages and posts: day, title, time.

1200 × 630 pixels, as the networks ask for. The programme is the picture, as on the page itself.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from registration.scripts import FONTS, FROM_THE_RIGHT

SIZE = (1200, 630)
_MARGIN = 72
_TITLE_LEFT = 400
_TOP = 196  # of the day's digits and the title's capitals
_CAPITAL = 0.66  # the height of both, in sizes of the font
_SERIF = "Newsreader-Medium"
#: Where the title's font is looked for, the first that has all its letters.
_TITLE_FONTS = (
    _SERIF,
    "NotoSans-Regular",
    "NotoSansArabic-Medium",
    "NotoSansHebrew-Medium",
    "NotoSansDevanagari-Medium",
    "NotoSansThai-Medium",
    "NotoSansSC-Regular",
    "NotoSansKR-Regular",
)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")

_Colour = tuple[int, int, int]
_PAPER: _Colour = (255, 255, 255)


@dataclass(frozen=True)
class Card:
    """What the picture says; each text is a line, but for the title, which is wrapped."""

    host: str
    day: str
    weekday: str
    month: str
    title: str
    when: str
    in_person: str = ""
    online: str = ""
    hue: int = 225


@lru_cache(maxsize=32)
def png(card: Card) -> bytes:
    """The picture as a PNG file. The same card gives the same bytes."""
    image = Image.new("RGB", SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    ink, quiet = _oklch(0.21, 0.022, card.hue), _oklch(0.42, 0.022, card.hue)
    accent, rule = _oklch(0.42, 0.085, card.hue), _oklch(0.895, 0.009, card.hue)
    right = SIZE[0] - _MARGIN

    _line(draw, (_MARGIN, 96), card.host, size=34, width=right - _MARGIN, colour=ink)
    size = 230 if len(card.day) < 3 else 110
    base = _TOP + round(_CAPITAL * size)
    draw.text((_MARGIN - 4, base), card.day, accent, _font(_SERIF, size), anchor="ls")
    _line(draw, (_MARGIN, base + 52), card.weekday, size=30, width=310, colour=ink, bold=True)
    _line(draw, (_MARGIN, base + 92), card.month, size=30, width=310, colour=quiet)
    _title(draw, card.title, ink)

    draw.line((_MARGIN, 508, right, 508), rule, 2)
    end = _line(
        draw, (_MARGIN, 566), card.when, size=30, width=right - _MARGIN, colour=ink, bold=True
    )
    for words, is_online in ((card.in_person, False), (card.online, True)):
        start = end + 74
        if words and start + 200 < right:
            _dot(draw, (start - 22, 555), quiet, is_online=is_online)
            end = _line(draw, (start, 566), words, size=30, width=right - start, colour=quiet)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _title(draw: ImageDraw.ImageDraw, text: str, colour: _Colour) -> None:
    """The title, as large as it fits; left out where no font here has its letters."""
    text = _UNSEEN.sub(" ", text).strip()
    name = next((name for name in _TITLE_FONTS if _has_all(name, text)), "")
    if not name or not text:
        return
    width, height = SIZE[0] - _MARGIN - _TITLE_LEFT, 290
    for size in (88, 76, 66, 58, 50, 44):
        font, leading = _font(name, size), round(size * 1.1)
        lines = _wrapped(draw, text, font, width)
        if len(lines) * leading <= height:
            break
    lines = lines[: height // leading]
    from_right = bool(FROM_THE_RIGHT.match(text))
    x = SIZE[0] - _MARGIN if from_right else _TITLE_LEFT
    for number, line in enumerate(lines):
        y = _TOP + round(_CAPITAL * size) + number * leading
        draw.text((x, y), line, colour, font, anchor="rs" if from_right else "ls")


def _wrapped(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: int
) -> list[str]:
    """The text in lines of at most that width; a word that is wider is cut."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font) <= width:
            lines[-1] = longer
            continue
        while draw.textlength(word, font) > width:
            word = word[:-1]
        if lines[-1]:
            lines.append(word)
        else:
            lines[-1] = word
    return lines


def _line(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    *,
    size: int,
    width: float,
    colour: _Colour,
    bold: bool = False,
) -> float:
    """A line on its baseline, cut to a width; where it ends."""
    name = "PublicSans-Bold" if bold else "PublicSans-Regular"
    if not _has_all(name, text):
        name = "NotoSans-Bold" if bold else "NotoSans-Regular"
    shown = _UNSEEN.sub(" ", text)
    text = "".join(sign for sign in shown if sign.isspace() or _has(name, sign))
    font = _font(name, size)
    if draw.textlength(text, font) > width:
        while text and draw.textlength(f"{text}…", font) > width:
            text = text[:-1]
        text = f"{text.rstrip()}…"
    draw.text(at, text, colour, font, anchor="ls")
    return at[0] + draw.textlength(text, font)


def _dot(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], colour: _Colour, *, is_online: bool
) -> None:
    """The sign of a way to attend: solid in the room, dotted online."""
    x, y = at
    if not is_online:
        draw.ellipse((x - 10, y - 10, x + 10, y + 10), colour)
        return
    for number in range(8):
        angle = number * math.pi / 4
        a, b = x + 9.5 * math.cos(angle), y + 9.5 * math.sin(angle)
        draw.ellipse((a - 2.4, b - 2.4, a + 2.4, b + 2.4), colour)


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"{name}.ttf"), size)


def _has_all(name: str, text: str) -> bool:
    return all(_has(name, sign) for sign in text if not sign.isspace())


@lru_cache(maxsize=4096)
def _has(name: str, sign: str) -> bool:
    """Whether a font has a letter: it draws another sign for it than for what nobody has."""
    font = _font(name, 20)
    drawn, missing = font.getmask(sign), font.getmask("\U0010ffff")
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


def _oklch(lightness: float, chroma: float, hue: float) -> _Colour:
    """A colour of the tokens in static/css/base.css as sRGB (CSS Color 4, 10.3)."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (round(255 * _gamma(min(1.0, max(0.0, part)))) for part in linear)
    return red, green, blue


def _gamma(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055

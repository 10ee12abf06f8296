"""Pictures that people upload: checked, made small, and stripped of what they tell."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from werkzeug.datastructures import FileStorage

from registration import pictures

_FORMATS = ("JPEG", "PNG", "WEBP")
#: What a field for a picture lets people choose.
PICTURES = {"accept": ",".join(f"image/{name.lower()}" for name in _FORMATS)}
_LARGEST_SIDE = 1200
_MOST_PIXELS = 40_000_000
# Pillow's own limits lie further out, and one of them only warns: ours is the one that counts.
Image.MAX_IMAGE_PIXELS = None


class PhotoRefused(Exception):
    """A file that is no picture we take; its text is fit for who sent it."""


def save(upload: FileStorage) -> str:
    """Keep an uploaded picture as a WebP file of at most 1200 pixels; return its random name.

    Only pixels are kept: no metadata, no animation, nothing hidden behind the image.
    Raises PhotoRefused.
    """
    try:
        picture: Image.Image = Image.open(upload.stream, formats=_FORMATS)
        if picture.width * picture.height > _MOST_PIXELS:  # known before any is decoded
            raise PhotoRefused(gettext("Choose a picture with fewer than 40 million pixels"))
        profile = picture.info.get("icc_profile", b"")
        picture = _in_eight_bits(_upright(picture))
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        picture.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as problem:
        raise PhotoRefused(gettext("Choose a picture in the format JPEG, PNG or WebP")) from problem
    folder = Path(current_app.config["UPLOAD_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    name = pictures.new_name()
    _in_srgb(_on_white(picture), profile).save(folder / name, "WEBP", quality=82)
    return name


def keep(form: Any) -> str:
    """Store the photograph of a form at once, so that no mistake elsewhere loses it.

    It is named by `form.kept` then, which the form carries until it is saved; what is wrong with
    the file is returned. `form.remove_photo` takes the picture away.
    """
    if form.remove_photo.data or not pictures.is_upload(form.kept.data):
        form.kept.data = ""
    if form.photo.data and form.photo.data.filename:
        form.remove_photo.data = False
        try:
            form.kept.data = save(form.photo.data)
        except PhotoRefused as refusal:
            return str(refusal)
    return ""


def chosen(form: Any) -> str | None:
    """What such a form says of the photograph, as pictures.chosen has it."""
    return "" if form.remove_photo.data else form.kept.data or None


def _upright(picture: Image.Image) -> Image.Image:
    """The picture as the camera was held."""
    picture.getexif()
    # Read, and not to be written again: Pillow reads what it then breaks at when it writes it.
    picture.info.pop("exif", None)
    return ImageOps.exif_transpose(picture)


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """A grey picture of 65,536 shades in 256: Pillow would take all but the darkest for white."""
    if not picture.mode.startswith("I"):
        return picture
    picture.info.pop("transparency", None)  # one shade of the many, which would be 256 of them
    return picture.point(lambda shade: shade / 256).convert("L")


def _on_white(picture: Image.Image) -> Image.Image:
    """The picture without holes: what is behind one in the file is black, or what was cut away."""
    if picture.mode != "RGBA":
        return picture
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture).convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """The picture in the colours of the web: the profile of a phone or a camera is not kept."""
    if not profile:
        return picture
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB")) or picture
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # a profile that is broken, or of other colours than red, green and blue

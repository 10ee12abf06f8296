"""Pictures as browsers send them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from werkzeug.datastructures import FileStorage


def upload(content: bytes, name: str = "photo.jpg") -> FileStorage:
    """A file as a browser sends it, which says of itself that it is a JPEG."""
    return FileStorage(io.BytesIO(content), filename=name, content_type="image/jpeg")


def picture(
    kind: str = "PNG", size: tuple[int, int] = (4, 4), name: str = "photo.jpg", **more: Any
) -> FileStorage:
    """A red picture in any format that Pillow writes."""
    content = io.BytesIO()
    Image.new("RGB", size, "red").save(content, kind, **more)
    return upload(content.getvalue(), name)

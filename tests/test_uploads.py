"""Files that strangers send: a picture is kept as its pixels, and nothing else is."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from registration.web import photos
from registration.web.photos import PhotoRefused


class TestUploads:
    @staticmethod
    def upload(content: bytes, name: str = "photo.jpg") -> FileStorage:
        return FileStorage(io.BytesIO(content), filename=name, content_type="image/jpeg")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"<html><script>alert(1)</script>",
            b"GIF89a" + b"\0" * 100,
            b"%PDF-1.7",
            b"PK\x03\x04" + b"\0" * 60,
            b"\xff\xd8\xff\xe0" + b"\0" * 200,
        ],
    )
    def test_what_is_no_picture_is_refused(self, app: Flask, content: bytes) -> None:
        with pytest.raises(PhotoRefused):
            photos.save(self.upload(content))

    def test_a_picture_that_unpacks_to_gigabytes_is_refused(self, app: Flask) -> None:
        def chunk(kind: bytes, body: bytes) -> bytes:
            return (
                struct.pack(">I", len(body))
                + kind
                + body
                + struct.pack(">I", zlib.crc32(kind + body))
            )

        header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
        bomb += chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)) + chunk(b"IEND", b"")
        with pytest.raises(PhotoRefused):
            photos.save(self.upload(bomb))

    def test_the_name_of_the_file_is_not_used(self, app: Flask, tmp_path: Path) -> None:
        from PIL import Image

        content = io.BytesIO()
        Image.new("RGB", (4, 4)).save(content, "PNG")
        name = photos.save(self.upload(content.getvalue(), "../../../app.py"))
        assert re.fullmatch(r"[0-9a-f]{32}\.webp", name)

    @pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd"])
    def test_no_other_file_is_given_out(self, client: FlaskClient, path: str) -> None:
        for start in ("/media/", "/static/"):
            answer = client.get(start + path)
            assert answer.status_code in (301, 308, 404)
            assert b"create_app" not in answer.data

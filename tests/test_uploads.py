"""Files that strangers send: a picture is kept as its pixels, and nothing else is."""

from __future__ import annotations

import io
import re
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base
from werkzeug.datastructures import FileStorage

from registration import (
    clock,
    cloning,
    events,
    pictures,
    programme,
    retention,
    seating,
    speaking,
)
from registration.database import db
from registration.models import Event, SpeakerStatus
from registration.revisions import EditedMeanwhile, EventRefused
from registration.speaking import Profile
from registration.web import photos
from registration.web.photos import PhotoRefused
from tests.conftest import NOW, empty_every_table
from tests.factories import make_event, make_speaker
from tests.pictures import picture, upload


def kept(app: Flask, name: str) -> Image.Image:
    """The file that was written."""
    with Image.open(Path(app.config["UPLOAD_FOLDER"]) / name) as found:
        found.load()
    return found


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is so large, with a megabyte of its rows."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000))
    return b"\x89PNG\r\n\x1a\n" + rows + chunk(b"IEND", b"")


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
def test_what_is_no_picture_is_refused(app: Flask, content: bytes) -> None:
    with pytest.raises(PhotoRefused, match="JPEG, PNG or WebP"):
        photos.save(upload(content))


@pytest.mark.parametrize("kind", ["BMP", "GIF", "ICO", "JPEG2000", "PCX", "PPM", "TGA", "TIFF"])
def test_a_good_picture_of_another_format_is_refused(app: Flask, kind: str) -> None:
    """Each decoder is as much more that a file may break."""
    with pytest.raises(PhotoRefused, match="JPEG, PNG or WebP"):
        photos.save(picture(kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_are_taken_and_become_one(app: Flask, kind: str) -> None:
    assert kept(app, photos.save(picture(kind, size=(1600, 800)))).size == (1200, 600)


def test_a_whole_picture_of_too_many_pixels_is_refused(app: Flask) -> None:
    with pytest.raises(PhotoRefused, match="fewer than 40 million pixels"):
        photos.save(picture(size=(6400, 6251)))


@pytest.mark.parametrize("side", [10_000, 14_000, 60_000])
def test_a_picture_that_unpacks_to_gigabytes_is_refused_by_what_it_says(
    app: Flask, side: int
) -> None:
    with pytest.raises(PhotoRefused, match="fewer than 40 million pixels"):
        photos.save(upload(png_of(side, side)))


def test_the_name_of_the_file_is_not_used(app: Flask) -> None:
    name = photos.save(picture(name="../../../app.py"))
    assert re.fullmatch(r"[0-9a-f]{32}\.new\.webp", name)


def test_nothing_but_pixels_is_kept(app: Flask) -> None:
    exif = Image.Exif()
    exif[Base.Artist] = "Amina Example"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (52.0, 30.0, 0.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sent = picture("JPEG", exif=exif, icc_profile=profile, comment=b"taken at home")
    assert b"Amina" in sent.stream.getvalue()
    found = kept(app, photos.save(sent))
    assert not found.getexif()
    assert found.info.keys() & {"exif", "xmp", "icc_profile", "comment"} == set()


def test_a_picture_stands_upright_though_what_else_its_camera_says_is_broken(app: Flask) -> None:
    exif = Image.Exif()
    exif[Base.ImageDescription], exif[Base.Orientation] = "wide", 6
    sent = picture("JPEG", size=(8, 4), exif=exif).stream.getvalue()
    # TIFF 6.0: the width of an image is a number, and no text.
    broken = sent.replace(b"\x01\x0e\x00\x02", b"\x01\x00\x00\x02")
    assert broken != sent
    assert kept(app, photos.save(upload(broken))).size == (4, 8)


def test_the_colours_of_a_phone_become_those_of_the_web(app: Flask) -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    plain = kept(app, photos.save(picture("PNG", icc_profile=bytes(profile))))
    # ICC.1:2022, 7.3: a table of tags; each has a name, where it is and how long.
    (number,) = struct.unpack_from(">I", profile, 128)
    tags = [struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(number)]
    (place,) = (place for name, place, _size in tags if name == b"rXYZ")
    struct.pack_into(">i", profile, place + 8, 30_000)  # its red is paler than that of sRGB
    paler = kept(app, photos.save(picture("PNG", icc_profile=bytes(profile))))
    assert plain.getpixel((1, 1)) != paler.getpixel((1, 1))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_one_can_see_through_is_white(app: Flask, kind: str, mode: str) -> None:
    """A portrait that was cut out stands on white: the file hides black there, or the room."""
    cut_out = Image.new("RGBA", (40, 40), (90, 20, 20, 0))
    cut_out.paste("red", (20, 0, 40, 40))
    content = io.BytesIO()
    cut_out.convert(mode).save(content, kind, lossless=True)
    found = kept(app, photos.save(upload(content.getvalue())))
    assert min(found.getpixel((5, 20))) > 245  # type: ignore[arg-type, type-var]
    assert min(found.getpixel((35, 20))) < 100  # type: ignore[arg-type, type-var]


@pytest.mark.parametrize("see_through", [{}, {"transparency": 20_000}])
def test_a_scan_in_many_shades_of_grey_stays_grey(app: Flask, see_through: dict[str, int]) -> None:
    line = b"".join(20 * shade.to_bytes(2, "little") for shade in (20_000, 60_000))
    scan = Image.frombytes("I;16", (40, 40), 40 * line)
    content = io.BytesIO()
    scan.save(content, "PNG", **see_through)
    found = kept(app, photos.save(upload(content.getvalue())))
    for at, shade in ((5, 20_000 / 256), (35, 60_000 / 256)):
        assert abs(found.getpixel((at, 20))[0] - shade) < 6  # type: ignore[index]


def test_a_broken_profile_of_colours_breaks_nothing(app: Flask) -> None:
    found = kept(app, photos.save(picture("JPEG", icc_profile=b"no profile" * 20)))
    assert found.getpixel((1, 1))[0] > 200  # type: ignore[index]


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd"])
def test_no_other_file_is_given_out(client: FlaskClient, path: str) -> None:
    for start in ("/media/", "/static/"):
        answer = client.get(start + path)
        assert answer.status_code in (301, 308, 404)
        assert b"create_app" not in answer.data


class TestOfPeopleOnTheProgramme:
    @pytest.fixture
    def event(self, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Event:
        monkeypatch.setitem(app.config, "UPLOAD_FOLDER", tmp_path)
        return make_event(retention_days=90)

    def test_goes_when_its_speaker_sends_another(self, app: Flask, event: Event) -> None:
        first, second = photos.save(picture()), photos.save(picture())
        speaker = make_speaker(event, photo=first)
        profile = Profile(name="Lise", position="", bio="", pronunciation="", needs="")
        speaking.save_profile(speaker_id=speaker.id, profile=profile, now=NOW)
        assert files(app) == {first, second}
        speaking.save_profile(speaker_id=speaker.id, profile=profile, photo=second, now=NOW)
        assert files(app) == {speaker.photo}
        assert kept(app, speaker.photo).size

    def test_goes_when_staff_replace_it_or_take_its_speaker_off(
        self, app: Flask, event: Event
    ) -> None:
        first, second = (stored(picture()) for _ in range(2))
        third = photos.save(picture())
        make_speaker(event, photo=first, status=SpeakerStatus.NOT_INVITED)
        make_speaker(event, photo=second, status=SpeakerStatus.NOT_INVITED)
        rows = programme.rows_of(event, "people")
        about = {"event_id": event.id, "name": "people", "seen": "", "staff_id": None, "now": NOW}
        programme.save(rows=[rows[0] | {"photo": third}, rows[1]], **about)
        named = [row["photo"] for row in programme.rows_of(event, "people")]
        assert named[1] == second
        assert files(app) == {*named, third}
        programme.save(rows=programme.rows_of(event, "people")[:1], **about)
        assert files(app) == {named[0], third}

    def test_goes_when_an_event_has_another_one_or_none(self, app: Flask, event: Event) -> None:
        for _ in range(2):
            edit(event, {"image": photos.save(picture())})
        named = event.image
        pictures.sweep(now=datetime.now(UTC) + timedelta(days=2))
        assert files(app) == {named}
        edit(event, {"image": ""})
        assert files(app) == set()

    def test_that_a_form_names_is_not_lost_when_another_takes_it_off(
        self, app: Flask, event: Event
    ) -> None:
        shared = photos.save(picture())
        make_speaker(event, photo=shared, status=SpeakerStatus.NOT_INVITED)
        other = make_event()
        make_speaker(other, photo="", status=SpeakerStatus.NOT_INVITED)
        about = {"name": "people", "seen": "", "staff_id": None, "now": NOW}
        theirs = programme.rows_of(other, "people")[0] | {"photo": shared}
        programme.save(event_id=other.id, rows=[theirs], **about)
        copy = cloning.clone(event_id=event.id, staff_id=None, now=NOW)
        programme.save(event_id=event.id, rows=[], **about)
        for row in (*programme.rows_of(other, "people"), *programme.rows_of(copy, "people")):
            assert row["photo"] != shared
            assert kept(app, row["photo"]).size
        assert shared not in files(app)
        with pytest.raises(EventRefused, match="The picture was removed meanwhile"):
            programme.save(event_id=event.id, rows=[theirs | {"id": None}], **about)
        with pytest.raises(EventRefused, match="The picture was removed meanwhile"):
            events.edit(
                event_id=event.id, changes={"image": shared}, seen="", staff_id=None, now=NOW
            )

    def test_that_was_never_saved_goes_after_a_day(self, app: Flask, event: Event) -> None:
        named, typed = photos.save(picture()), photos.save(picture())
        make_speaker(event, photo=named)
        moment = datetime.now(UTC)
        pictures.sweep(now=moment + timedelta(hours=23))
        assert files(app) == {named, typed}
        clock.Calendar().turn(moment + timedelta(hours=25))
        assert files(app) == {named}

    def test_that_was_saved_stays_though_the_database_is_an_empty_or_an_older_one(
        self, app: Flask, event: Event
    ) -> None:
        speaker = make_speaker(event, photo="")
        profile = Profile(name="Lise", position="", bio="", pronunciation="", needs="")
        speaking.save_profile(
            speaker_id=speaker.id, profile=profile, photo=photos.save(picture()), now=NOW
        )
        events.edit(
            event_id=event.id,
            changes={"image": photos.save(picture())},
            seen="",
            staff_id=None,
            now=NOW,
        )
        named = {speaker.photo, event.image}
        db.session.remove()  # else it reads on from what there was
        empty_every_table()
        pictures.sweep(now=datetime.now(UTC) + timedelta(days=2))
        assert files(app) == named

    def test_that_two_of_a_page_show_is_two_files(self, app: Flask, event: Event) -> None:
        for _ in range(2):
            make_speaker(event, photo="")
        new = photos.save(picture())
        save_people(event, [row | {"photo": new} for row in people(event)])
        shown = [row["photo"] for row in people(event)]
        assert len(files(app) - {new}) == 2
        assert files(app) == {*shown, new}

    def test_of_another_row_is_not_taken_by_its_name(self, app: Flask, event: Event) -> None:
        """A form names what it has found; what it has chosen is an upload."""
        first, second = stored(picture()), stored(picture())
        make_speaker(event, photo=first)
        make_speaker(event, photo=second)
        rows = people(event)
        save_people(event, [rows[0], rows[1] | {"photo": first}, rows[1] | {"id": None}])
        assert [row["photo"] for row in people(event)] == [first, second, ""]
        assert files(app) == {first, second}

    @pytest.mark.parametrize("named", ["upload", "gone"])
    def test_leaves_no_copy_behind_where_saving_it_is_refused(
        self, app: Flask, event: Event, named: str
    ) -> None:
        make_speaker(event, photo="", status=SpeakerStatus.NOT_INVITED)
        new, gone = photos.save(picture()), photos.save(picture())
        (Path(app.config["UPLOAD_FOLDER"]) / gone).unlink()
        second = new if named == "upload" else gone
        row = people(event)[0]
        rows = [row | {"photo": new}, row | {"id": None, "photo": second}]
        with pytest.raises((EditedMeanwhile, EventRefused)):
            save_people(event, rows, seen="of another day")
        with pytest.raises((EditedMeanwhile, EventRefused)):
            edit(event, {"image": second, "title": "New"}, seen="of another day")
        assert files(app) == {new}

    def test_is_copied_before_the_event_is_locked(
        self, app: Flask, event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done: list[str] = []
        for module, name in ((pictures, "own"), (seating, "lock")):
            plain = getattr(module, name)
            monkeypatch.setattr(
                module, name, lambda of, name=name, plain=plain: (done.append(name), plain(of))[1]
            )
        make_speaker(event, photo="")
        save_people(event, [people(event)[0] | {"photo": photos.save(picture())}])
        edit(event, {"image": photos.save(picture())})
        assert done == ["own", "lock", "own", "lock"]

    def test_is_copied_for_a_copy_of_the_event_before_anything_is_written(
        self, app: Flask, event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two people may share a file since older copies did: each gets one of their own."""
        edit(event, {"image": photos.save(picture())})
        shared = photos.save(picture())
        for _ in range(2):
            make_speaker(event, photo=shared)
        make_speaker(event, photo="gone.webp")
        done: list[str] = []
        for module, name in ((pictures, "own"), (cloning, "transaction")):
            plain = getattr(module, name)
            monkeypatch.setattr(
                module,
                name,
                lambda *of, name=name, plain=plain: (done.append(name), plain(*of))[1],
            )
        copy = cloning.clone(event_id=event.id, staff_id=None, now=NOW)
        assert done == ["own"] * 4 + ["transaction"]
        shown = [copy.image, *(row["photo"] for row in people(copy))]
        assert shown[-1] == ""
        assert len({event.image, shared, *shown[:-1]} & files(app)) == 5

    def test_leaves_no_copy_behind_where_another_is_chosen_while_the_event_is_copied(
        self, app: Flask, event: Event, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, new = photos.save(picture()), photos.save(picture())
        edit(event, {"image": first})
        plain = pictures.own

        def slowly(name: str) -> str:
            monkeypatch.setattr(pictures, "own", plain)
            mine = plain(name)
            edit(event, {"image": new})
            return mine

        monkeypatch.setattr(pictures, "own", slowly)
        with pytest.raises(EventRefused, match="Make the copy again"):
            cloning.clone(event_id=event.id, staff_id=None, now=NOW)
        assert files(app) == {event.image, first, new}
        assert cloning.clone(event_id=event.id, staff_id=None, now=NOW).image in files(app)

    def test_is_nothing_else_whatever_a_form_has_named(
        self, app: Flask, event: Event, tmp_path: Path
    ) -> None:
        other = tmp_path.parent / "other.db"
        other.touch()
        names = ("../other.db", str(other), ".", "..", "")
        assert {pictures.name_of(name) for name in names} == {""}
        pictures.discard(*names)
        assert other.exists()
        new = photos.save(picture())
        assert pictures.name_of(new) == new

    def test_goes_with_the_erasure_of_who_is_not_on_the_page(
        self, app: Flask, event: Event
    ) -> None:
        shown, hidden, shared = (photos.save(picture()) for _ in range(3))
        make_speaker(event, photo=shown)
        make_speaker(event, photo=hidden, status=SpeakerStatus.DECLINED)
        make_speaker(event, photo=shared, status=SpeakerStatus.CANCELLED)
        make_speaker(make_event(), photo=shared)
        while retention.erase_due(now=event.erases_at):
            pass
        assert files(app) == {shown, shared}


def people(event: Event) -> list[dict[str, Any]]:
    return programme.rows_of(event, "people")


def save_people(event: Event, rows: list[dict[str, Any]], seen: str = "") -> None:
    programme.save(event_id=event.id, name="people", rows=rows, seen=seen, staff_id=None, now=NOW)


def edit(event: Event, changes: dict[str, Any], seen: str = "") -> None:
    events.edit(event_id=event.id, changes=changes, seen=seen, staff_id=None, now=NOW)


def stored(sent: FileStorage) -> str:
    """A picture that a row may have: a form has named it and was saved."""
    new = photos.save(sent)
    name = pictures.own(new)
    pictures.discard(new)
    return name


def files(app: Flask) -> set[str]:
    return {file.name for file in Path(app.config["UPLOAD_FOLDER"]).iterdir()}


@pytest.mark.parametrize("end", ["", ".new.webp/../../registration.db", ".webp\n", ".webp.html"])
def test_what_only_begins_like_the_name_of_a_picture_is_none(end: str) -> None:
    assert pictures.name_of("ab" * 16 + end) == ""
    assert pictures.name_of("ab" * 16 + ".webp") == "ab" * 16 + ".webp"

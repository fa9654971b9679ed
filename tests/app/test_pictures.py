"""A picture that somebody sends is made anew in a process of its own: small, upright, and without what a phone wrote into it."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tutela.app.pictures import clean
from tutela.app.pictures_inside import SIDE
from tutela.errors import BadInput


def photo(form: str = "JPEG", size: tuple[int, int] = (3000, 2000), turned: int = 1) -> bytes:
    made, exif = BytesIO(), Image.Exif()
    exif[0x0112] = turned
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010E] = "canary: at home"
    Image.new("RGB", size, (90, 120, 90)).save(made, form, exif=exif)
    return made.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_a_photo_is_small_and_says_nothing_of_where_and_when(form: str) -> None:
    made = await clean(photo(form))

    with Image.open(BytesIO(made)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (SIDE, round(SIDE * 2 / 3)))
        assert not picture.getexif()
    assert b"canary" not in made
    assert len(made) < 120_000


async def test_a_photo_that_was_taken_sideways_stands_upright() -> None:
    with Image.open(BytesIO(await clean(photo(turned=6)))) as picture:
        assert picture.size[0] < picture.size[1]


@pytest.mark.parametrize(
    "sent", [b"", b"no picture", b"\xff\xd8\xff" + b"x" * 1000, photo()[:2000], b"GIF89a" + bytes(100)]
)
async def test_what_is_no_photo_is_refused_in_words(sent: bytes) -> None:
    with pytest.raises(BadInput, match="The photo can't be read"):
        await clean(sent)


async def test_a_picture_that_was_made_to_burst_is_refused() -> None:
    bomb = BytesIO()
    Image.new("1", (12_000, 12_000)).save(bomb, "PNG")

    with pytest.raises(BadInput, match="The photo can't be read"):
        await clean(bomb.getvalue())

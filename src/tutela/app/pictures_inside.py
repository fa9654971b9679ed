"""The program that decodes a picture: its input is what somebody sent, its output a JPEG. Loaded by `app.pictures` in a process of its own."""

from __future__ import annotations

import sys

from tutela.backends.confined import REFUSED, closed, enter

SIDE, QUALITY = 1024, 72
PIXELS = 60_000_000
FORMATS = ("JPEG", "PNG", "WEBP")


def main() -> None:
    """Limits first, then the library, then no rights, and only then the picture."""
    enter(sys.argv[1:])
    from PIL import Image, ImageOps  # noqa: PLC0415  only when the limits hold

    Image.MAX_IMAGE_PIXELS = PIXELS // 2  # twice as many are an error
    Image.preinit()
    Image.init()
    closed()
    try:
        with Image.open(sys.stdin.buffer, formats=FORMATS) as picture:
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((SIDE, SIDE))
            upright.convert("RGB").save(sys.stdout.buffer, "JPEG", quality=QUALITY)
        sys.stdout.buffer.flush()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as wrong:
        sys.stderr.write(str(wrong).replace("\n", " ")[:500])
        sys.exit(REFUSED)

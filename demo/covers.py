"""Cover images of our own: the title and the authors on a colour that belongs to the book."""

import colorsys
import hashlib
import io
import textwrap
import unicodedata

from PIL import Image, ImageDraw, ImageFont

from demo.books import DemoBook

SIDE = 600
MARGIN = 60
PAPER = (250, 245, 230)


def cover(book: DemoBook) -> bytes:
    """A square JPEG; the same book always gives the same bytes."""
    image = Image.new("RGB", (SIDE, SIDE), _colour(book.title))
    draw = ImageDraw.Draw(image)
    draw.rectangle((MARGIN / 2, MARGIN / 2, SIDE - MARGIN / 2, SIDE - MARGIN / 2), outline=PAPER, width=3)
    _write(draw, book.title, top=110, size=52, width=17)
    _write(draw, " & ".join(book.authors), top=SIDE - 150, size=30, width=30)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return out.getvalue()


def _colour(title: str) -> tuple[int, int, int]:
    hue = hashlib.sha256(title.encode()).digest()[0] / 256
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.6, 0.45)
    return int(red * 255), int(green * 255), int(blue * 255)


def _write(draw: ImageDraw.ImageDraw, text: str, *, top: int, size: int, width: int) -> None:
    font = ImageFont.load_default(size)
    lines = textwrap.fill(_plain(text), width)
    draw.multiline_text((SIDE / 2, top), lines, fill=PAPER, font=font, anchor="ma", align="center", spacing=12)


def _plain(text: str) -> str:
    """The text without accents: Pillow's own font has no letters for them."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")

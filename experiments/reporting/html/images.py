"""Figures inside the page: each a data URI, with its size and a description in words."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

_COLOURS = 256  # of an embedded figure: a third of the bytes, and no difference to the eye


@dataclass(frozen=True)
class Picture:
    """An embedded figure.

    Attributes:
        uri: the image as a data URI.
        width: the width in CSS pixels.
        height: the height in CSS pixels.
        caption: one line for people.
        description: the figure in words, for readers who do not see it.
    """

    uri: str
    width: int
    height: int
    caption: str
    description: str


def picture(path: Path, caption: str, description: str) -> Picture:
    """A PNG file as an embedded figure."""
    packed = io.BytesIO()
    with Image.open(path) as image:
        width, height = image.size
        image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    data = base64.b64encode(packed.getvalue()).decode("ascii")
    return Picture(f"data:image/png;base64,{data}", round(0.64 * width), round(0.64 * height), caption, description)

"""Pictures that clients send as text: data URLs and base64."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from urllib.parse import unquote_to_bytes

__all__ = ["DATA_URL", "bytes_of_text"]

DATA_URL = re.compile(r"\s*data:image/[\w.+-]+(;[^,]*)?,", re.IGNORECASE)
URL_SAFE = str.maketrans("-_", "+/")


def bytes_of_text(text: str) -> bytes:
    """The bytes of a picture in a data URL or in base64; line breaks and padding do not matter.

    Nothing else is an address here: nothing is fetched or opened.

    Raises
    ------
    ValueError
        It is neither.
    """
    start = DATA_URL.match(text)
    payload = text[start.end() :] if start else text
    if start and ";base64" not in start[0].lower():
        return unquote_to_bytes(payload)
    letters = "".join(payload.split()).translate(URL_SAFE).rstrip("=")
    try:
        data = b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise ValueError("it is neither a data URL of a picture nor base64")
    return data

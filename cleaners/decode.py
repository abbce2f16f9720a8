"""Bytes to text: what was decided, and how, is part of the answer.

Never raises on bad bytes. Bytes that are no text at all (an image with a wrong name) give None.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
META_WINDOW = 4096
"""Bytes searched for a declared charset: the HTML standard asks for 1,024, real pages need more."""
SAMPLE = 65_536
"""Bytes that the guess looks at: more costs time and changes nothing on prose."""
MAX_CONTROLS = 0.02
"""Share of control characters above which bytes are not text. Prose has none; images and
archives have about an eighth."""

COMMONEST = "cp1252"

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# What browsers read when a page says one of these (WHATWG Encoding Standard).
_AS_BROWSERS = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and the charset it was read in with the reason in brackets: `cp1252 (guessed)`."""

    text: str
    charset: str
    flags: tuple[str, ...] = ()


def decode(payload: bytes, claimed: str | None = None) -> Decoded | None:
    """Decode `payload`; None when it is not text.

    In order: a byte order mark; UTF-8 if it is valid, whatever was claimed, since no other
    text looks like UTF-8 by chance; the claimed charset (HTTP header, sidecar, `<meta>`) if
    the bytes are valid in it; a guess, flagged `charset-guessed`.
    """
    decoded = _marked(payload) or _utf8(payload) or _claimed(payload, claimed) or _guessed(payload)
    if decoded is None or _is_binary(decoded.text):
        return None
    return decoded


def sound(text: str) -> tuple[str, tuple[str, ...]]:
    """`text` with lone surrogates, which no file can hold, as U+FFFD; and the flags that says so."""
    fixed = _SURROGATES.sub("�", text)
    return fixed, () if fixed == text else ("lone-surrogates",)


def _marked(payload: bytes) -> Decoded | None:
    for mark, charset in BOMS:
        if payload.startswith(mark):
            text = payload.decode(charset, errors="replace")
            return Decoded(text, f"{charset.removesuffix('-sig')} (byte order mark)", _replaced(text))
    return None


def _utf8(payload: bytes) -> Decoded | None:
    text = _strict(payload, "utf-8")
    return None if text is None else Decoded(text, "ascii" if text.isascii() else "utf-8 (valid)")


def _claimed(payload: bytes, claimed: str | None) -> Decoded | None:
    declared = _META.search(payload[:META_WINDOW])
    names = ((claimed, "claimed"), (declared and declared[1].decode("ascii", "replace"), "meta"))
    for name, how in names:
        charset = _AS_BROWSERS.get(name.lower(), name.lower()) if name else None
        if charset and (text := _strict(payload, charset)) is not None:
            return Decoded(text, f"{charset} ({how})")
    return None


def _guessed(payload: bytes) -> Decoded | None:
    best = from_bytes(payload[:SAMPLE]).best()
    if best is None:
        return None
    text = payload.decode(best.encoding, errors="replace")
    # Several charsets often read the same text; then the commonest one is named.
    charset = COMMONEST if _strict(payload, COMMONEST) == text else best.encoding
    return Decoded(text, f"{charset} (guessed)", ("charset-guessed", *_replaced(text)))


def _strict(payload: bytes, charset: str) -> str | None:
    """The text, or None if the charset is unknown, not one for text, or does not fit."""
    try:
        return payload.decode(charset)
    except (LookupError, ValueError):
        return None


def _replaced(text: str) -> tuple[str, ...]:
    return ("bytes-replaced",) if "�" in text else ()


def _is_binary(text: str) -> bool:
    sample = text[:SAMPLE]
    return len(_CONTROLS.findall(sample)) > MAX_CONTROLS * max(len(sample), 1)

"""Bytes to text: what was decided, and how, is part of the answer.

Never raises on bad bytes. Bytes that are no text at all (an image with a wrong name) give None.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import partial

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
"""Share of control characters above which bytes are not text. Prose has none; of
evenly spread bytes an eighth are."""

COMMONEST = "cp1252"

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# The escape that opens a double-byte charset in ISO-2022: such bytes are ASCII, and not text as ASCII.
_SHIFTED = b"\x1b$"
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# What browsers read when a page says one of these (WHATWG Encoding Standard), by Python's names.
_AS_BROWSERS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
# Codecs of Python that turn bytes into text, but are no charset that a text is written in.
_NO_CHARSETS = frozenset(("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"))
# What pages without any declaration are written in; the charsets of old machines only mislead.
_GUESSABLE = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "iso8859_2",
    "tis_620", "big5", "cp932", "cp949", "euc_jp", "gb18030",
]  # fmt: skip


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
    the bytes are valid in it; a guess, flagged `charset-guessed`. What reads as control
    characters in one is tried in the next.
    """
    if marked := _marked(payload):
        return None if _is_binary(marked.text) else marked
    for read in (_utf8, partial(_claimed, claimed=claimed), _guessed):
        decoded = read(payload)
        if decoded is not None and not _is_binary(decoded.text):
            return decoded
    return None


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
    text = None if _SHIFTED in payload else _strict(payload, "utf-8")
    return None if text is None else Decoded(text, "ascii" if text.isascii() else "utf-8 (valid)")


def _claimed(payload: bytes, claimed: str | None) -> Decoded | None:
    declared = _META.search(payload[:META_WINDOW])
    names = ((claimed, "claimed"), (declared and declared[1].decode("ascii", "replace"), "meta"))
    for name, how in names:
        charset = _charset(name, payload) if name else None
        if charset and (text := _strict(payload, charset)) is not None:
            return Decoded(text, f"{charset} ({how})")
    return None


def _charset(name: str, payload: bytes) -> str | None:
    """The charset that browsers mean by `name`; None if there is none, or it cannot be that of `payload`."""
    try:
        charset = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None
    # The spaces and digits of a text in UTF-16 are half zeros; half of all other bytes are valid in it.
    is_wide = charset.startswith(("utf-16", "utf-32"))
    if charset in _NO_CHARSETS or (is_wide and b"\0" not in payload):
        return None
    return _AS_BROWSERS.get(charset, charset)


def _guessed(payload: bytes) -> Decoded | None:
    best = from_bytes(_sample(payload), cp_isolation=_GUESSABLE).best()
    if best is None:
        return None
    text = payload.decode(best.encoding, errors="replace")
    # Several charsets often read the same text; then the commonest one is named.
    charset = COMMONEST if _strict(payload, COMMONEST) == text else best.encoding
    return Decoded(text, f"{charset} (guessed)", ("charset-guessed", *_replaced(text)))


def _sample(payload: bytes) -> bytes:
    """The first bytes of `payload`, up to a blank or a tag, so that no letter is cut in half."""
    sample = payload[:SAMPLE]
    end = max(map(sample.rfind, (b"\n", b" ", b"<"))) if len(payload) > SAMPLE else -1
    return sample[:end] if end > 0 else sample


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

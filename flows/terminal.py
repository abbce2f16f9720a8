"""Text of unknown origin, made safe to show: it cannot drive a terminal, nor pretend to be another line."""

from __future__ import annotations

CONTROLS = {code: chr(0x2400 + code) for code in range(32)} | {0x7F: "\u2421"}
OTHERS = (*range(0x80, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""The second set of control characters, among which terminals look for escapes, and those that turn
the direction of writing."""
VISIBLE = CONTROLS | {code: f"<U+{code:04X}>" for code in OTHERS}
ON_LINES = {code: picture for code, picture in VISIBLE.items() if code not in (0x09, 0x0A)}


def inert(text: str) -> str:
    """`text` with control characters replaced by their pictures; tabs and line breaks stay."""
    return text.translate(ON_LINES)


def inert_line(text: str) -> str:
    """As `inert`, on one line: for file names and messages that hold them."""
    return text.translate(VISIBLE).encode("utf-8", "backslashreplace").decode()

"""What two texts are compared by: words, shingles, and a sketch that finds candidates.

The sketch only proposes pairs; `jaccard` decides, exactly, on shingles of the texts.
"""

from __future__ import annotations

import re
from hashlib import blake2b, sha256
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

SHINGLE = 5
"""Words in a shingle. Five is what published deduplications of news and web text use
(for one Lee et al. 2022, "Deduplicating Training Data Makes Language Models Better")."""
BANDS, ROWS = 32, 4
"""With 32 bands of 4 rows a pair of Jaccard 0.8 is missed with probability 5e-8, one of 0.5
with 0.13; 9 bands of 13 rows, a common default at 0.8, miss three in five of the former."""
BATCH = 8_192
"""Shingles hashed at a time, so that a huge text costs 8 MB, not gigabytes."""

# Scripts written without spaces between words: there each letter counts as a word.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")

Words = tuple[str, ...]
Shingles = frozenset[Words]
_Hashes = NDArray[np.uint64]


def words(text: str) -> Words:
    """The words of `text`, casefolded, accents composed, without punctuation."""
    return cased_words(text.casefold())


def cased_words(text: str) -> Words:
    """The words of `text` as they are written, without punctuation."""
    return tuple(_WORD.findall(normalize("NFC", text)))


def digest(words: Words) -> str:
    """Equal for texts that differ in case, punctuation and spaces only; 32 hex digits."""
    return sha256(" ".join(words).encode()).hexdigest()[:32]


def shingles(words: Words) -> Shingles:
    """The distinct runs of five words; a shorter text is one shingle, an empty one has none."""
    if len(words) < SHINGLE:
        return frozenset((words,)) if words else frozenset()
    return frozenset(zip(*(words[i:] for i in range(SHINGLE)), strict=False))


def jaccard(a: Shingles, b: Shingles) -> float:
    """The share of all shingles that both have, 0 to 1."""
    common = len(a & b)
    return common / (len(a) + len(b) - common) if common else 0.0


def containment(a: Shingles, b: Shingles) -> float:
    """The share of the smaller one's shingles that the other has too, 0 to 1."""
    smaller = min(len(a), len(b))
    return len(a & b) / smaller if smaller else 0.0


def sketch(words: Words) -> tuple[int, ...]:
    """One 64-bit number per band; two texts are candidates if any of theirs is equal."""
    hashes = _shingle_hashes(words)
    if not len(hashes):
        return ()
    minima = np.full((BANDS * ROWS, 1), np.iinfo(np.uint64).max)
    for start in range(0, len(hashes), BATCH):
        block = _FACTORS * hashes[start : start + BATCH] + _OFFSETS
        minima = np.minimum(minima, block.min(axis=1, keepdims=True))
    high = (minima.reshape(BANDS, ROWS) >> np.uint64(32)) * _POWERS[:ROWS]
    return tuple(_mixed(high.sum(axis=1, dtype=np.uint64) + np.arange(BANDS, dtype=np.uint64)).tolist())


def _shingle_hashes(words: Words) -> _Hashes:
    """A 64-bit hash of each distinct shingle, combined from hashes of the words."""
    numbers = {word: _number(word) for word in set(words)}
    single = np.fromiter((numbers[word] for word in words), np.uint64, len(words))
    width = min(SHINGLE, len(single))
    if not width:
        return single
    runs = np.lib.stride_tricks.sliding_window_view(single, width) * _POWERS[:width]
    return np.unique(_mixed(runs.sum(axis=1, dtype=np.uint64)))


def _number(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _mixed(values: _Hashes) -> _Hashes:
    """Each number with its bits spread (the finaliser of MurmurHash3, by Austin Appleby)."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values = (values ^ (values >> np.uint64(33))) * np.uint64(factor)
    return values ^ (values >> np.uint64(33))


def _constants(name: str, count: int) -> _Hashes:
    """Odd 64-bit numbers that are the same on every machine."""
    return np.array([_number(f"{name} {index}") | 1 for index in range(count)], dtype=np.uint64)


_FACTORS = _constants("factor", BANDS * ROWS).reshape(-1, 1)
_OFFSETS = _constants("offset", BANDS * ROWS).reshape(-1, 1)
_POWERS = _constants("power", max(SHINGLE, ROWS))

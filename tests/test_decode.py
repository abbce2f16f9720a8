"""Bytes become text in the charset they are in, or are refused; nothing is ever raised."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.decode import SAMPLE, decode, sound

WESTERN = "Der Bürgermeister sagte am Montag, die Fähre über den Fluß fahre erst im März. "
SAMPLES = {
    "cp1252": WESTERN,
    "cp1250": "Rada portu zdecydowała w poniedziałek przełożyć budowę nowej grobli na wiosnę. ",
    "cp1251": "Совет порта в понедельник решил отложить строительство новой плотины до весны. ",
    "koi8-r": "Совет порта в понедельник решил отложить строительство новой плотины до весны. ",
    "cp1253": "Το συμβούλιο του λιμανιού αποφάσισε τη Δευτέρα να αναβάλει το έργο. ",
    "cp1256": "قرر مجلس الميناء يوم الاثنين تأجيل بناء السد الجديد حتى الربيع المقبل. ",
    "iso8859-2": "Přístavní rada se v pondělí rozhodla odložit stavbu nové hráze. ",
    "iso8859-15": "Le conseil du port a reporté à l’été l'œuvre à 10 €. ".replace("’", "'"),
    "cp932": "港の委員会は月曜日に新しい堤防の建設を延期することを決めた。①\n",
    "shift_jis": "港の委員会は月曜日に新しい堤防の建設を延期することを決めた。\n",
    "euc_jp": "港の委員会は月曜日に新しい堤防の建設を延期することを決めた。\n",
    "iso2022_jp": "港の委員会は月曜日に新しい堤防の建設を延期することを決めた。\n",
    "gb18030": "港口委员会星期一决定推迟建设新的堤坝镕，直到明年春天。\n",
    "big5": "港口委員會星期一決定推遲建設新的堤壩，直到明年春天。\n",
    "cp949": "항만 위원회는 월요일에 새 제방 건설을 내년 봄까지 연기하기로 했다.\n",
    "utf-16-le": "The harbor board voted on Monday. Совет порта. 港\n",
    "utf-16-be": "The harbor board voted on Monday. Совет порта. 港\n",
    "utf-32-le": "The harbor board voted on Monday. Совет порта. 港\n",
    "utf-8": "The harbor board voted on Monday. Совет порта. 港\n",
}
NOISE = random.Random(2).randbytes(20_000)  # noqa: S311 - the same numbers in every run
SILLY = (
    "rot13", "zlib", "bz2", "hex", "base64", "uu", "quopri", "idna", "punycode", "unicode_escape", "raw_unicode_escape",
    "utf-7", "undefined", "mbcs", "oem", "none", "", " ", "utf8; charset=", "x" * 5000, "ü", "\ud800", "a\0b", "../etc",
    "aliases", "__init__", "cp037", "utf-16", "utf-32", "utf_8_sig", "latin1", "ISO-8859-1", "US-ASCII", "big5-hkscs",
)  # fmt: skip


@pytest.mark.parametrize("charset", SAMPLES)
def test_a_text_in_its_claimed_charset_comes_back(charset: str):
    text = SAMPLES[charset] * 3
    decoded = decode(text.encode(charset), charset)
    assert decoded is not None
    assert decoded.text == text
    assert decoded.flags == ()


TOO_LITTLE = pytest.mark.xfail(reason="one sentence of Polish reads as Baltic, letter by letter", strict=True)
GUESSABLE = ("cp1252", pytest.param("cp1250", marks=TOO_LITTLE), "cp1251", "koi8-r", "cp1253", "cp1256", "cp932",
             "euc_jp", "gb18030", "big5", "cp949")  # fmt: skip


@pytest.mark.parametrize("charset", GUESSABLE)
def test_a_text_whose_charset_nobody_states_is_guessed_and_says_so(charset: str):
    text = SAMPLES[charset] * 20
    decoded = decode(text.encode(charset))
    assert decoded is not None
    assert decoded.text == text
    assert decoded.charset.endswith("(guessed)")
    assert decoded.flags == ("charset-guessed",)


@pytest.mark.parametrize("charset", ["cp932", "euc_jp", "gb18030", "big5", "cp949"])
@pytest.mark.parametrize("shift", [0, 1])
def test_a_guess_does_not_stumble_over_a_letter_cut_in_half(charset: str, shift: int):
    text = "x" * shift + SAMPLES[charset] * (SAMPLE // len(SAMPLES[charset]))
    payload = text.encode(charset)
    assert len(payload) > SAMPLE
    decoded = decode(payload)
    assert decoded is not None
    assert decoded.text == text


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("lie", [None, "cp1252", "koi8-r", "nonsense"])
def test_a_byte_order_mark_is_believed_before_all_else(charset: str, lie: str | None):
    decoded = decode(WESTERN.encode(charset), lie)
    assert decoded is not None
    assert decoded.text == WESTERN
    assert "byte order mark" in decoded.charset


def test_a_text_cut_off_behind_a_byte_order_mark_says_that_bytes_were_replaced():
    decoded = decode(b"\xef\xbb\xbfcaf\xe9 au lait")
    assert decoded is not None
    assert decoded.text == "caf� au lait"
    assert decoded.flags == ("bytes-replaced",)


@pytest.mark.parametrize("lie", ["cp1251", "shift_jis", "latin-1", "utf-16", "nonsense"])
def test_valid_utf_8_is_utf_8_whatever_was_claimed(lie: str):
    decoded = decode(WESTERN.encode(), lie)
    assert decoded is not None
    assert (decoded.text, decoded.charset) == (WESTERN, "utf-8 (valid)")


@pytest.mark.parametrize("lie", ["utf-8", "utf-16", "utf-32", "ascii", "shift_jis", "unicode_escape", "rot13"])
def test_a_claim_that_cannot_be_true_is_not_believed(lie: str):
    text = WESTERN * 5
    decoded = decode(text.encode("cp1252") + b"\\d", lie)
    assert decoded is not None
    assert decoded.text == text + "\\d"


@pytest.mark.parametrize(
    ("declared", "charset"),
    [("gb2312", "gb18030"), ("GBK", "gb18030"), ("Shift_JIS", "cp932"), ("euc-kr", "cp949"), ("ISO-8859-1", "cp1252")],
)
def test_a_page_is_read_as_browsers_read_it(declared: str, charset: str):
    page = f'<html><head><meta charset="{declared}"></head><body>{SAMPLES[charset]}“'
    decoded = decode(page.encode(charset))
    assert decoded is not None
    assert decoded.text == page
    assert decoded.charset == f"{charset} (meta)"


def test_the_claim_of_the_record_goes_before_that_of_the_page():
    page = f'<meta charset="koi8-r">{SAMPLES["cp1251"]}'
    decoded = decode(page.encode("cp1251"), "windows-1251")
    assert decoded is not None
    assert decoded.text == page


@pytest.mark.parametrize(
    "payload",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 40,
        b"\x00" * 1000,
        b"PK\x03\x04" + NOISE[:5000],
        NOISE,
        b"\xff\xd8\xff\xe0\x00\x10JFIF" + NOISE[5000:10_000],
    ],
)
@pytest.mark.parametrize("claimed", [None, "utf-8", "cp1252", "latin-1"])
def test_bytes_that_are_no_text_are_none(payload: bytes, claimed: str | None):
    assert decode(payload, claimed) is None


def test_no_bytes_are_an_empty_text():
    decoded = decode(b"")
    assert decoded is not None
    assert (decoded.text, decoded.flags) == ("", ())


@given(st.binary(max_size=200), st.one_of(st.none(), st.sampled_from(SILLY), st.text(max_size=12)))
@settings(max_examples=400, deadline=None)
def test_no_bytes_and_no_claim_ever_raise(payload: bytes, claimed: str | None):
    decoded = decode(payload, claimed)
    assert decoded is None or decoded.charset


@pytest.mark.parametrize("claimed", SILLY)
def test_a_silly_claim_changes_nothing_about_a_good_text(claimed: str):
    decoded = decode(b'<meta charset="' + claimed.encode("utf-8", "replace")[:40] + b'">' + WESTERN.encode(), claimed)
    assert decoded is not None
    assert decoded.text.endswith(WESTERN)


@given(st.text(max_size=50))
@settings(deadline=None)
def test_a_sound_text_can_be_written_to_a_file(text: str):
    fixed, flags = sound(f"{text}\ud83d")
    assert (
        fixed.encode().decode()
        == fixed
        == f"{text}\ud83d".encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    )
    assert flags == ("lone-surrogates",)
    assert sound("whole") == ("whole", ())

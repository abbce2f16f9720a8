"""The language of a text, the same answer every time, and who gave it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaners.language import UNKNOWN, detect

SENTENCES = {
    "en": "The harbor board voted on Monday to delay the building of the dike. Nobody in the old town was surprised.",
    "de": "Der Hafenrat hat am Montag beschlossen, den Bau des Deichs zu verschieben. Das wundert niemanden.",
    "es": "La junta del puerto decidió el lunes aplazar la construcción del dique. En el casco viejo nadie se asombró.",
    "fr": "Le conseil du port a décidé lundi de reporter la construction de la digue. Personne ne s’en est étonné.",
    "it": "Il consiglio del porto ha deciso lunedì di rinviare la costruzione della diga. Nessuno si è stupito.",
    "pt": "O conselho do porto decidiu na segunda-feira adiar a construção do dique. Ninguém na cidade se espantou.",
    "nl": "Het havenbestuur besloot maandag de bouw van de dijk uit te stellen. Niemand in de oude stad was verbaasd.",
    "ru": "Совет порта решил в понедельник отложить строительство дамбы. Никто в старом городе не удивился.",
    "ar": "قرر مجلس الميناء يوم الاثنين تأجيل بناء السد الجديد. لم يتفاجأ أحد في البلدة القديمة.",
    "zh": "港口委员会星期一决定推迟建设新的堤坝。老城里没有人感到惊讶。明年春天才会开工。",
    "ja": "港の委員会は月曜日に新しい堤防の建設を延期することを決めた。旧市街では誰も驚かなかった。",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_language_is_recognised(code: str):
    found = detect(SENTENCES[code])
    assert found.code == code
    assert 0.5 < found.confidence <= 1
    assert found.method in ("eld", "eld+langdetect", "langdetect")


def test_the_answer_does_not_depend_on_what_was_asked_before():
    first = {code: detect(text) for code, text in SENTENCES.items()}
    mixed = [
        *SENTENCES.values(),
        *(a[:40] + b[:40] for a, b in zip(SENTENCES.values(), reversed(SENTENCES.values()), strict=True)),
    ]
    answers = [detect(text) for text in mixed]
    assert [detect(text) for text in reversed(mixed)] == answers[::-1]
    assert {code: detect(text) for code, text in SENTENCES.items()} == first


@pytest.mark.parametrize(
    "text", ["", " \n", "Dike", "12:30 – 4:5 (3:1)", "!!! ??? …", "1234567890 " * 100, "👩‍👩‍👧‍👦" * 30, "\ud800" * 30]
)
def test_a_text_without_letters_enough_is_of_no_known_language(text: str):
    assert detect(text) == UNKNOWN


@pytest.mark.parametrize("text", ["ᚠᚢᚦᚨᚱᚲ" * 20, "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ " * 10, "ⵜⴰⵎⴰⵣⵉⵖⵜ " * 10])
def test_a_script_that_no_detector_knows_is_of_no_known_language(text: str):
    assert detect(text) == UNKNOWN


@given(st.text(max_size=120))
@settings(max_examples=150, deadline=None)
def test_any_text_gets_an_answer_and_the_same_again(text: str):
    found = detect(text)
    assert 0 <= found.confidence <= 1
    assert (found.code == "und") == (found.method == "none")
    assert detect(text) == found


def test_a_long_text_is_no_harder_than_a_short_one():
    assert detect(SENTENCES["de"] * 3000).code == "de"

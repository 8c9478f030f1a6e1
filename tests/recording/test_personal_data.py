from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

pytest.importorskip("presidio_analyzer")

from langdistill.errors import MissingExtra
from langdistill.recording.privacy import personal_data as module
from langdistill.recording.privacy.personal_data import OVERLAP, PIECE, personal_data
from langdistill.recording.privacy.redaction import Pseudonyms, Redactor, redact


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("nothing may ask the network")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)


@pytest.fixture(scope="module")
def finder() -> Redactor:
    return personal_data()


def redacted(value: Any, redactor: Redactor) -> Any:
    return redact(value, orjson.dumps(value), [redactor], Pseudonyms())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail Ann.Lee@example.com or ann.lee@EXAMPLE.com", "mail <EMAIL_1> or <EMAIL_1>"),
        ("call +44 20 7946 0958 now", "call <PHONE_1> now"),
        ("my phone number is 212-555-0123", "my phone number is <PHONE_1>"),
        ("card 4111 1111 1111 1111, again 4111-1111-1111-1111", "card <CREDIT_CARD_1>, again <CREDIT_CARD_1>"),
        ("no card: 4111 1111 1111 1112", "no card: 4111 1111 1111 1112"),
        ("IBAN GB29 NWBK 6016 1331 9268 19.", "IBAN <IBAN_1>."),
        ("no IBAN: GB29 NWBK 6016 1331 9268 18", "no IBAN: GB29 NWBK 6016 1331 9268 18"),
        ("from 192.168.1.20 and fe80::1", "from <IP_ADDRESS_1> and <IP_ADDRESS_2>"),
        ("social security number 536-22-8726", "social security number <US_SSN_1>"),
        ("Janet's 16 ducks lay 2048 eggs in 365 days for $12.50", None),
        ("mail user@localhost, see https://example.com/12", None),
    ],
)
def test_patterns_are_found_without_a_model_or_a_network(finder: Redactor, text: str, expected: str | None) -> None:
    assert redacted(text, finder) == (expected or text)


def test_half_a_surrogate_pair_hides_nothing_and_costs_nothing(finder: Redactor) -> None:
    value = ["\ud83d 12 ann@example.com"]
    assert redact(value, b"@", [finder], Pseudonyms()) == ["\ud83d 12 <EMAIL_1>"]


def test_a_long_text_is_read_to_its_end_and_nothing_is_cut_in_two(finder: Redactor) -> None:
    address = "ann.lee@example.com"
    for at in (PIECE - 10, PIECE - OVERLAP - 10, 3 * PIECE):
        text = ("word " * (1 + at // 5))[: at - 1] + " " + address + " " + "word " * 100
        assert redacted(text, finder) == text.replace(address, "<EMAIL_1>")


def test_only_what_is_asked_for_is_looked_for() -> None:
    text = "ann@example.com at 10.0.0.1, see https://example.com/x"
    assert redacted(text, personal_data(entities=["IP_ADDRESS"])) == text.replace("10.0.0.1", "<IP_ADDRESS_1>")
    assert "<URL_1>" in redacted(text, personal_data(entities=["URL"]))


@pytest.mark.parametrize("entity", ["PERSON", "LOCATION", "EMIAL"])
def test_what_nothing_finds_is_refused(entity: str) -> None:
    with pytest.raises(ValueError, match=f"Nothing here finds {entity}"):
        personal_data(entities=["EMAIL_ADDRESS", entity])


def test_names_are_found_by_an_analyzer_of_ones_own() -> None:
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ann Lee"}])  # type: ignore[attr-defined]
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "mine"}])
    engine.nlp = {"en": pipeline}
    mine = personal_data(analyzer=AnalyzerEngine(nlp_engine=engine), entities=["PERSON"])
    assert redacted("I am Ann Lee, says Ann Lee.", mine) == "I am <PERSON_1>, says <PERSON_1>."


def test_an_installed_model_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ann Lee"}])  # type: ignore[attr-defined]
    package = tmp_path / "en_core_web_sm"
    package.mkdir()
    pipeline.to_disk(package / "data")
    (package / "__init__.py").write_text(
        "from pathlib import Path\nimport spacy\ndef load(**options): return spacy.load(Path(__file__).parent / 'data', **options)\n"
    )
    (tmp_path / "en_core_web_sm-1.dist-info").mkdir()
    (tmp_path / "en_core_web_sm-1.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: en_core_web_sm\nVersion: 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert redacted("I am Ann Lee.", personal_data()) == "I am <PERSON_1>."
    finally:
        sys.modules.pop("en_core_web_sm", None)


def test_words_met_are_forgotten(finder: Redactor) -> None:
    list(finder("warm up 1"))
    strings = finder._analyzer.nlp_engine.nlp["en"].vocab.strings  # type: ignore[attr-defined]
    before = len(strings)
    for number in range(50):
        list(finder(f"hiddenword{number} is 1"))
    assert len(strings) == before


def test_threads_may_share_it() -> None:
    shared = personal_data()
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: redacted(f"{n} a{n}@example.com", shared), range(64)))
    assert told == [f"{n} <EMAIL_1>" for n in range(64)]


def test_it_is_loaded_when_it_is_needed() -> None:
    code = (
        "import sys; from langdistill.recording.privacy.personal_data import personal_data; find = personal_data(); "
        "find('no sign of anything'); assert not {'spacy', 'presidio_analyzer'} & set(sys.modules); "
        "print(find('ann@example.com'))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[Found(start=0, end=15, kind='EMAIL')]"


def test_its_absence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"langdistill\[privacy\]"):
        personal_data()

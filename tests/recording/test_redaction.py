from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langdistill.recording.privacy.redaction import UNREADABLE, Found, Pseudonyms, Redactor, pattern, redact
from langdistill.recording.privacy.secrets import secrets

ORDER = pattern("ORDER", r"ORD-\d{6}", hints=["ord-"])
EMAIL = pattern("EMAIL", r"[\w.]+@[\w.]+\w")
KEY = "-".join(["sk", "proj", "a1B2c3D4e5F6g7H8i9J0k1L2"])  # in parts: it opens nothing


def redacted(value: Any, *redactors: Redactor, pseudonyms: Pseudonyms | None = None) -> Any:
    encoded = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    return redact(value, encoded, redactors, pseudonyms or Pseudonyms())


def test_a_message_keeps_all_but_what_was_found() -> None:
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "I track ORD-123456."}, {"type": "text", "text": "fine"}],
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "track", "arguments": '{"order": "ORD-123456", "n": [1, 2.50, null]}'},
            }
        ],
        "logprobs": None,
    }
    before = json.dumps(message)
    cleaned = redacted(message, ORDER)
    assert json.dumps(message) == before
    assert cleaned["content"] == [{"type": "text", "text": "I track <ORDER_1>."}, {"type": "text", "text": "fine"}]
    assert cleaned["content"][1] is message["content"][1]  # type: ignore[index]
    [call] = cleaned["tool_calls"]
    assert (call["id"], call["type"], call["function"]["name"]) == ("call_1", "function", "track")
    assert json.loads(call["function"]["arguments"]) == {"order": "<ORDER_1>", "n": [1, 2.5, None]}


def test_keys_go_too_and_cost_no_value() -> None:
    assert redacted({"ORD-123456": 1, "ORD-654321": {"x": "y"}}, ORDER) == {"<ORDER_1>": 1, "<ORDER_2>": {"x": "y"}}
    cleaned = redacted({"A@x.com": 1, "a@x.com": 2, "<EMAIL_1> (2)": 3}, EMAIL)
    assert sorted(cleaned.values()) == [1, 2, 3]
    assert "@" not in json.dumps(cleaned)


def test_what_is_json_stays_json_at_every_depth() -> None:
    inner = json.dumps({"note": 'say "ORD-123456"\nplease', "é": "\ud83d"})
    cleaned = redacted({"arguments": json.dumps({"body": inner, "list": [inner]})}, ORDER)
    outer = json.loads(cleaned["arguments"])
    assert json.loads(outer["body"]) == {"note": 'say "<ORDER_1>"\nplease', "é": "\ud83d"}
    assert outer["list"] == [outer["body"]]
    orjson.dumps(cleaned)


@pytest.mark.parametrize(
    "text",
    ['{"a": "ORD-123456", "a": 1}', '{"a": "ORD-123456"', "[" * 5000 + '"ORD-123456"' + "]" * 5000, '"ORD-123456"'],
    ids=["a key twice", "cut off", "too deep", "a text"],
)
def test_what_is_no_ordinary_json_is_read_as_text(text: str) -> None:
    assert redacted(text, ORDER) == text.replace("ORD-123456", "<ORDER_1>")


def test_what_is_deeper_than_python_goes_is_hidden() -> None:
    deep: Any = "ORD-123456"
    for _ in range(5000):
        deep = [deep]
    cleaned = redact(deep, b"ord-", [ORDER], Pseudonyms())
    while isinstance(cleaned, list):
        [cleaned] = cleaned
    assert cleaned == UNREADABLE


def test_whole_numbers_become_texts_and_others_stay() -> None:
    card = pattern("CREDIT_CARD", r"\b4\d{15}\b")
    value = {"card": 4111111111111111, "score": 0.4111111111111111, "ok": True, "n": 411}
    assert redacted(value, card) == value | {"card": "<CREDIT_CARD_1>"}
    assert redacted('{"card": 4111111111111111}', card) == '{"card": "<CREDIT_CARD_1>"}'


def test_files_inside_a_message_are_not_read() -> None:
    picture = {"url": "data:image/png;base64,ORD/AKIA" + "A" * 100, "n": 1}
    anything = pattern("A", "A+")
    assert redacted(picture, anything) is picture
    assert redacted("data:text/plain;base64,ORD-123456", ORDER) == "data:text/plain;base64,<ORDER_1>"


def test_stand_ins_are_stable_within_a_trace_and_tell_nothing_of_another() -> None:
    one, other = Pseudonyms(), Pseudonyms()
    assert redacted("a@x.com b@x.com A@X.COM", EMAIL, pseudonyms=one) == "<EMAIL_1> <EMAIL_2> <EMAIL_1>"
    assert redacted("b@x.com", EMAIL, pseudonyms=one) == "<EMAIL_2>"
    assert redacted("b@x.com", EMAIL, pseudonyms=other) == "<EMAIL_1>"
    assert one.of("PHONE", "+1 (212) 555-0123") == one.of("PHONE", "+1-212-555 0123")
    assert one.of("PASSWORD", "Hunter2") != one.of("PASSWORD", "hunter2")
    assert one.of("PASSWORD", " Hunter2 ") == one.of("PASSWORD", "Hunter2")
    assert one.of("my kind!", "x") == "<MY_KIND_1>"
    assert "@x.com" not in repr(vars(one))


def test_threads_share_the_stand_ins_of_a_trace() -> None:
    shared = Pseudonyms()
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: shared.of("EMAIL", f"{n % 50}@x.com"), range(2000)))
    assert len(set(told)) == 50
    assert all(told[n] == told[n % 50] for n in range(2000))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([(0, 3, "A"), (2, 8, "B")], "<B_1>89"),
        ([(0, 8, "B"), (2, 4, "A"), (9, 10, "A")], "<B_1>8<A_1>"),
        ([(2, 4, "A"), (2, 4, "B")], "01<A_1>456789"),
        ([(2, 4, "A"), (4, 6, "B")], "01<A_1><B_1>6789"),
        ([(-5, 2, "A"), (8, 99, "B")], "<A_1>234567<B_1>"),
        ([(3, 3, "A"), (5, 2, "A"), (50, 60, "A")], "0123456789"),
        ([(0, 2, "")], "<HIDDEN_1>23456789"),
    ],
)
def test_findings_overlap_and_overreach_safely(found: list[tuple[int, int, str]], expected: str) -> None:
    assert redacted("0123456789", lambda text: [Found(*one) for one in found]) == expected


def fails(text: str) -> Iterable[Found]:
    raise ValueError(f"cannot read {text}")


def fails_later(text: str) -> Iterable[Found]:
    yield Found(0, 1, "A")
    raise KeyError(text)


def returns_nonsense(text: str) -> Any:
    return [("a", None, 3)]


@pytest.mark.parametrize("broken", [fails, fails_later, returns_nonsense])
def test_a_text_that_a_redactor_cannot_read_is_hidden_whole(broken: Redactor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            cleaned = redacted({"k": "ORD-123456", "n": 12345, "j": '{"x": "y"}'}, ORDER, broken)
    assert set(cleaned.values()) == {UNREADABLE, '{"<UNREADABLE>": "<UNREADABLE>"}'}
    assert "ORD-123456" not in json.dumps(cleaned)
    assert [record.name for record in caplog.records] == ["langdistill.recording.privacy.redaction"]
    assert "ORD-123456" not in caplog.text


def test_hints_decide_whether_a_message_is_read() -> None:
    read: list[str] = []

    class Hinted:
        hints = (b"needle", b"pin")

        def __call__(self, text: str) -> list[Found]:
            read.append(text)
            return []

    value = {"content": "hay é"}
    assert redacted(value, Hinted()) is value
    assert not read
    redacted({"content": "a NEEDLE"}, Hinted())
    assert "a NEEDLE" in read


@pytest.mark.parametrize("hint", ["", "é", 'a"b', "a\\b", "a\nb"])
def test_a_hint_that_json_writes_otherwise_is_refused(hint: str) -> None:
    with pytest.raises(ValueError, match="cannot be looked for in JSON"):
        pattern("A", "a", hints=[hint])


@pytest.mark.parametrize("hint", ["ord-", "a b", "#[(", "~&-", "<>", b"ORD-"])
def test_any_other_hint_is_found(hint: str | bytes) -> None:
    plain = hint if isinstance(hint, str) else hint.decode()
    assert redacted(f"x{plain.upper()}1", pattern("A", r"\d", hints=[hint])) == f"x{plain.upper()}<A_1>"


def test_a_hint_of_bytes_that_are_no_text_lets_everything_be_read() -> None:
    def hidden(text: str) -> list[Found]:
        return [Found(0, len(text), "A")]

    hidden.hints = (b"\xff",)  # type: ignore[attr-defined]
    assert redacted("x", hidden) == "<A_1>"


LEAF = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20)
PLAIN = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        | st.lists(inner, max_size=2).map(json.dumps)
    ),
    max_leaves=8,
).filter(lambda value: "\\ud" not in json.dumps(value) or _encodes(value))


def _encodes(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@given(PLAIN)
def test_what_holds_nothing_is_the_very_same_object(value: Any) -> None:
    assert redacted(value, secrets(), pattern("ORDER", r"ORD-\d{6}")) is value


@settings(deadline=None)
@given(
    PLAIN, st.lists(st.sampled_from(["key", "value", "item", "json", "ascii", "text"]), max_size=5), st.text(max_size=5)
)
def test_a_planted_secret_is_gone_wherever_it_was(value: Any, places: list[str], around: str) -> None:
    around = "".join(
        letter for letter in around if not (letter.isascii() and letter.isalnum()) and letter not in "-_%<>"
    )
    planted: Any = f"{around} {KEY} {around}"
    for place in places:
        planted = {
            "key": lambda inner: {inner if isinstance(inner, str) else "k": inner},
            "value": lambda inner: {"other": value, "held": inner},
            "item": lambda inner: [value, inner],
            "json": lambda inner: json.dumps({"held": inner}, ensure_ascii=False),
            "ascii": lambda inner: json.dumps([inner]),
            "text": lambda inner: f"He said: {inner if isinstance(inner, str) else json.dumps(inner)}!",
        }[place](planted)
    if not _encodes(planted):
        return
    cleaned = redacted(planted, secrets())
    assert KEY.encode() not in orjson.dumps(cleaned)
    assert redacted(cleaned, secrets()) is cleaned


@given(
    st.lists(st.sampled_from(["<A_1>", "<B_12>", "a", "bb", " ", ",", "<", ">", "1", "A"]), max_size=12).map("".join)
)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    broad = pattern("A", r"[A-Za-z1]+|<.*>"), pattern("B", r"\d")
    once = redacted({text: [text]}, *broad)
    assert redacted(once, *broad) is once

from __future__ import annotations

import json
import runpy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from langdistill.recording.privacy.redaction import Pseudonyms, redact
from langdistill.recording.privacy.screening import any_of
from langdistill.recording.privacy.secrets import secrets

LABELLED = runpy.run_path(str(Path(__file__).with_name("labelled_texts.py")))
POSITIVES, NEGATIVES = LABELLED["POSITIVES"], LABELLED["NEGATIVES"]


def redacted(value: Any) -> Any:
    return redact(value, orjson.dumps(value), [secrets()], Pseudonyms())


def test_the_lists_are_large_enough() -> None:
    assert len(POSITIVES) >= 60
    assert len(NEGATIVES) >= 80


@pytest.mark.parametrize(("text", "secret"), POSITIVES, ids=range(len(POSITIVES)))
def test_a_secret_goes_and_what_stands_around_it_stays(text: str, secret: str) -> None:
    before, after = text.replace("{{", "{").replace("}}", "}").split("{}")
    content = redacted({"content": before + secret + after})["content"]
    assert content.startswith(before)
    assert content.endswith(after.lstrip("="))
    assert not [line for line in secret.splitlines() if line in content]
    hidden = content.removeprefix(before).removesuffix(after)
    assert secret[-4:] not in hidden
    assert hidden.startswith("<")
    assert hidden.endswith(">")


@pytest.mark.parametrize("text", NEGATIVES)
def test_what_is_no_secret_stays(text: str) -> None:
    value = {"role": "user", "content": text}
    assert redacted(value) is value


FIELDS = [
    ("password", "correcthorse", "PASSWORD"),
    ("password", "correct horse battery staple", "PASSWORD"),
    ("password", 87654321, "PASSWORD"),
    ("db_pass", "hunter22", "PASSWORD"),
    ("clientSecret", "a8f5f167f44f4964e6c998dee827110c", "SECRET"),
    ("x-api-key", "a8f5f167f44f4964e6c998dee827110c", "API_KEY"),
    ("Authorization", "Bearer a8f5f167f44f4964e6c998de", "TOKEN"),
    ("Authorization", "Basic YWxpY2U6aHVudGVyMjI=", "PASSWORD"),
    ("tokens", ["a8f5f167f44f4964e6c998de"], "TOKEN"),
]


@pytest.mark.parametrize(("name", "value", "kind"), FIELDS, ids=[f"{name}-{kind}" for name, _, kind in FIELDS])
def test_the_name_of_a_field_says_that_it_is_secret(name: str, value: Any, kind: str) -> None:
    plain = json.dumps(value if not isinstance(value, list) else value[0]).strip('"').rsplit(" ", 1)[-1]
    for holder in ({name: value}, {"name": name, "value": value}, {"arguments": json.dumps({"deep": [{name: value}]})}):
        told = json.dumps(redacted(holder))
        assert plain not in told
        assert f"<{kind}_1>" in told or (kind == "PASSWORD" and "<TOKEN_1>" in told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token", " the"),
        ("tokens", 12345678),
        ("total_tokens", 12345678),
        ("token_type", "bearer"),
        ("password", "string"),
        ("password", "<password>"),
        ("secret", "never give up"),
        ("secretary", "a8f5f167f44f4964e6c998de"),
        ("key", "a8f5f167f44f4964e6c998de"),
        ("tool_call_id", "call_9a8b7c6d5e4f3a2b1c0d9e8f"),
    ],
)
def test_fields_that_hold_no_secret_stay(name: str, value: Any) -> None:
    holder = {name: value}
    assert redacted(holder) is holder


def test_a_key_is_the_same_whatever_it_is_found_by() -> None:
    key = LABELLED["KEYS"][1]
    assert redacted([f"see {key}", f"api_key={key}", {"password": key}])[:2] == [
        "see <API_KEY_1>",
        "api_key=<API_KEY_1>",
    ]


def texts(value: Any) -> Iterator[Any]:
    """The longest parts that are still small."""
    if isinstance(value, list) and len(value) > 1:
        for one in value:
            yield from texts(one)
    else:
        yield value


# glaive_toolcall_en_demo.json is a log of tool calls, some of which make passwords; they are what must be found
MADE = {"a9B7$#fG3&Z1", "aB3#fG7!kL9@", "password123", "A1b2C3d4E5f6", "aBcD1234EfGh"}


def test_of_all_real_texts_only_the_passwords_go(data: Path) -> None:
    redactor, found, read = secrets(), set[str](), 0
    for path in sorted(data.rglob("*.json*")):
        content = path.read_text()
        lines = [content] if path.suffix == ".json" else content.splitlines()
        for line in filter(None, lines):
            try:
                rows = list(texts(json.loads(line)))
            except json.JSONDecodeError:
                rows = [line]
            for row in rows:
                read += 1
                found |= _changed(row, redactor)
    assert read > 10_000
    assert found == MADE


def _changed(row: Any, redactor: Any) -> set[str]:
    """What was hidden in a row, by asking what its pseudonyms were made for."""

    class Noting(Pseudonyms):
        def of(self, kind: str, value: str) -> str:
            noted.add(value)
            return super().of(kind, value)

    noted: set[str] = set()
    redact(row, orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS), [redactor], Noting())
    return noted


MILLION = 1_000_000
HOSTILE = [
    "a", " ", "-", "=", "\\", "'", "://", "://a:", ":@", "eyJ", "eyJaaaaaaaa.", "sk-", "-----BEGIN PRIVATE KEY-----", "A" * 16 + "\n",
    "-----BEGIN PRIVATE KEY-----\n" + "A" * 20, "password", "password=", "password: ", "password='", 'token="a', "api_key=a1b2c3d4",
    "secret is ", "--password ", "authorization: ", "bearer ", "Basic YTpi", "login a password ", "-u a:", "twilio ", "&sig=", "key ", "_key=",
    "token=x.", "password=&", "password=;a", "{", "[", '{"a":', "AKIA", "gh", "İ", "token İ=", "x" * 39 + " token=", "<A_1>", "-a",
]  # fmt: skip


def test_no_text_takes_long() -> None:
    redactor, started = secrets(), time.monotonic()
    for shape in HOSTILE:
        text = shape * (MILLION // len(shape))
        redact({"content": text, "password": text[: MILLION // 10]}, orjson.dumps(text), [redactor], Pseudonyms())
    assert time.monotonic() - started < 60  # a quadratic one takes hours


def test_a_text_in_which_lower_case_is_longer_keeps_its_places() -> None:
    assert redacted("İİİ password=hunter22 İ") == "İİİ password=<PASSWORD_1> İ"


def test_hints_are_found_in_every_positive() -> None:
    held = any_of(secrets().hints)  # type: ignore[attr-defined]
    for text, secret in POSITIVES:
        assert held(orjson.dumps(text.format(secret)).lower().decode())

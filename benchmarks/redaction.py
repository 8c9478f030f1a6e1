"""What redaction costs inside the recorder's callback: ``python benchmarks/redaction.py``.

Messages of 1 KB, encoded as the recorder encodes them; the best of five rounds, so that other work on the machine does not count.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from timeit import repeat
from typing import Any

import orjson

from langdistill.recording.privacy.personal_data import personal_data
from langdistill.recording.privacy.redaction import Pseudonyms, Redactor, pattern, redact
from langdistill.recording.privacy.secrets import secrets

RESULTS = Path(__file__).with_name("results")
SENTENCE = "Natalia sold clips to her friends in April, and then she sold half as many clips in May. "
KILOBYTE = (SENTENCE * 12)[:980]
DIGITS = KILOBYTE[:-40] + "She paid $12.50 on the 3rd of May at 10:30."
KEY = "-".join(["sk", "proj", "a1B2c3D4e5F6g7H8i9J0k1L2"])  # in parts: it opens nothing


def microseconds(text: str, redactors: Sequence[Redactor], rounds: int) -> float:
    """Of one message, once the redactors are loaded."""
    message = {"role": "user", "content": text}
    encoded = orjson.dumps(message)
    redact(message, encoded, redactors, Pseudonyms())
    pseudonyms = Pseudonyms()
    return min(repeat(lambda: redact(message, encoded, redactors, pseudonyms), number=rounds, repeat=5)) / rounds * 1e6


def main() -> None:
    order = pattern("ORDER", r"ORD-\d{6}", hints=["ord-"])
    people = personal_data()
    cases: list[tuple[str, str, Sequence[Redactor], int]] = [
        ("secrets(), nothing to hide", KILOBYTE, [secrets()], 20_000),
        ("secrets() and a pattern with a hint, nothing to hide", KILOBYTE, [secrets(), order], 20_000),
        ("secrets(), a word that may announce one: the token", KILOBYTE + " the token", [secrets()], 2_000),
        ("secrets(), a provider's key", KILOBYTE[:-40] + KEY, [secrets()], 2_000),
        ("secrets(), password=...", KILOBYTE[:-40] + "DB_PASSWORD=hunter22", [secrets()], 2_000),
        ("personal_data(), no digit and no @", KILOBYTE, [people], 20_000),
        ("personal_data(), digits, nothing to hide", DIGITS, [people], 50),
        ("personal_data(), an e-mail address", KILOBYTE[:-40] + "ann.lee@example.com", [people], 50),
    ]
    rows: list[dict[str, Any]] = []
    for name, text, redactors, rounds in cases:
        rows.append({"message": name, "microseconds": round(microseconds(text, redactors, rounds), 1)})
        print(f"{rows[-1]['microseconds']:9.1f} us  {name}", flush=True)
    told = {"command": "python benchmarks/redaction.py", "python": platform.python_version(), "rows": rows}
    (RESULTS / "redaction.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()

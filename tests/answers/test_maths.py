"""Mathematics read through math-verify."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("math_verify", reason="needs the extra `maths`")

from langdistill.answers import maths, normalise, same
from langdistill.answers.formulas import _Reader, spell
from langdistill.errors import AnswerError

EQUAL = [
    [r"\frac{1}{\sqrt{3}}", r"\frac{\sqrt 3}{3}", "sqrt(3)/3"],
    [r"\sqrt{8}", r"2\sqrt{2}"],
    [r"\sqrt{3+2\sqrt{2}}", r"1+\sqrt 2"],
    [r"(x+1)^2", "x^2+2x+1", "1+2x+x^2"],
    [r"\frac{x^2-1}{x-1}", "x+1"],
    [r"\frac{11+9a}{20}", r"\frac{11}{20}+\frac{9a}{20}"],
    ["1,-2", r"\{-2,1\}", "-2, 1"],
    [r"3\pm 2", r"\{1,5\}"],
    ["x=5", "5.0", r"5\text{ cm}", r"5^\circ"],
    ["y=2x+3", "2x+3"],
    ["2x+4=0", "x+2=0"],
    ["x<7", "7>x"],
    [r"x \in [-2,7]", "[-2, 7]"],
    [r"(0,9) \cup (9,36)", r"(9,36)\cup(0,9)"],
    [r"\sin^2 y+\cos^2 y", "1", r"\frac{2}{2}"],
    [r"\cot x", r"\frac{\cos x}{\sin x}"],
    [r"\log_2 8", "3"],
    ["5!", "120"],
    [r"\frac{a}{b}", "a/b"],
    [r"\frac{\pi}{2}", r"\pi/2", r"0.5\pi"],
    [r"\text{Evelyn}", "Evelyn"],
    [r"10\%", "10%"],
    ["52_8", "52_{8}"],
]
APART = [one for one, *_ in EQUAL] + [
    "5!!", "(3,4]", "[3,4]", "(3,4)", "3,4", "10", "0.1", "x-1", r"x\le 7", "x>7", "52", "x^2", "x_2", "2x", r"\sqrt{2}", r"\emptyset",
    r"\begin{pmatrix}3\\4\end{pmatrix}", r"\begin{pmatrix}3&4\end{pmatrix}", r"\frac{b}{a}", r"-\frac{\pi}{2}", r"\infty", r"-\infty",
]  # fmt: skip


@pytest.mark.parametrize("spellings", EQUAL, ids=lambda spellings: spellings[0])
def test_spellings_of_one_value(spellings: list[str]) -> None:
    assert len({maths(rf"so \boxed{{{one}}}") for one in spellings}) == 1


def test_values_that_differ_stay_apart_when_votes_are_counted() -> None:
    told = {one: maths(rf"so \boxed{{{one}}}") for one in APART}
    merged = [(one, other) for one, other in combinations(told, 2) if same(told[one], told[other])]
    assert not merged


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"We get \(x^2\), so the answer is $\frac{1}{2}$.", "0.5"),
        (r"Hence \[ 3\sqrt{13} \]", "3*sqrt(13)"),
        ("Answer: [-2, 7)", "[-2, 7)"),
        ("Answer: 18 apples and more", "$18 apples and more$"),
        ("x + x", "2*x"),
        ("", None),
        ("a long reply without mathematics " * 9, None),
    ],
)
def test_where_it_is_read(text: str, answer: str | None) -> None:
    assert maths(text) == answer


def test_the_gold_answers_of_math_500(data: Path) -> None:
    rows = json.loads((data / "rstar_data/MATH_test_all.json").read_text())
    read = [(maths(row["solution"]), spell(row["extra_info"]["answer"])) for row in rows]
    assert len(read) == 500
    assert all(same(one, other) for one, other in read)
    assert not [one for one, _ in read if one and one.startswith("$")], "every one is parsed"


@pytest.mark.slow
@pytest.mark.parametrize(
    "formula",
    [
        "9^{9^{9^{9}}}",
        "(10^9)!",
        r"\binom{10^9}{10^8}",
        r"\sum_{i=1}^{10^9} i^i",
        "(x+y+z)^{500}",
        "(" * 29 + "x" + ")" * 29,
    ],
)
def test_a_hostile_formula_is_given_up(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langdistill.answers.formulas.SECONDS", 1.0)
    started = time.perf_counter()
    told = maths(rf"\boxed{{{formula}}}")
    assert time.perf_counter() - started < 20
    assert told in (f"${formula}$", "x"), "as it is written"
    monkeypatch.undo()
    assert maths(r"\boxed{2\sqrt{9}}") == "6", "the next one is read"


@pytest.mark.parametrize(
    "text", ["{" * 100_000, r"\(" * 50_000, "$" * 100_000, r"\boxed{" + "x+" * 50_000 + "x}", r"\ " * 50_000]
)
def test_a_huge_reply_costs_nothing(text: str) -> None:
    started = time.process_time()
    maths(text)
    assert time.process_time() - started < 20  # a quadratic one takes hours


def test_an_interrupted_question_is_not_answered_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(reader: _Reader, process: Any, formula: str) -> str:
        process.stdin.write(formula + "\n")
        process.stdin.flush()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_Reader, "_tell", interrupted)
        with pytest.raises(KeyboardInterrupt):
            maths(r"\boxed{\sqrt{12}}")
    assert maths(r"\boxed{\sqrt{18}}") == "3*sqrt(2)"


def test_a_reader_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langdistill.answers.formulas.READER", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(AnswerError, match="exit code 3 before it was ready"):
        _Reader().ask("x")


def test_threads_share_the_reader() -> None:
    formulas = [rf"\boxed{{{n}\sqrt{{2}} + \sqrt{{2}}}}" for n in range(1, 21)]
    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(maths, formulas)] == [f"{n + 1}*sqrt(2)" for n in range(1, 21)]


def test_a_spelling_is_stable_under_normalising() -> None:
    for formulas in EQUAL:
        told = maths(rf"\boxed{{{formulas[0]}}}")
        assert told
        assert normalise(normalise(told)) == normalise(told)

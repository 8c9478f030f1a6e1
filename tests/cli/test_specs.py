from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from langdistill.cli.specs import spelt
from langdistill.datasets.targets.finding import find_target
from langdistill.datasets.targets.with_reasoning import WithReasoning, with_reasoning
from langdistill.errors import UnknownName
from langdistill.filters.agreement import agreement
from langdistill.filters.finding import find_filter


def called(*given: Any, **named: Any) -> Any:
    return given, named


def find(name: str) -> Any:
    if name in ("swapped", "f"):
        return called if name == "f" else lambda: "SWAPPED"
    raise UnknownName("thing", name, ["f", "swapped"])


def test_as_in_python() -> None:
    assert spelt("agreement(min_share=0.75, min_n=8)", find_filter) == agreement(min_share=0.75, min_n=8)
    assert spelt(" agreement ", find_filter) == agreement()
    assert spelt('f("a", -1, [1, None], key={"b": True})', find) == (("a", -1, [1, None]), {"key": {"b": True}})
    assert spelt("f(swapped, [f(1)])", find, inner=find) == (("SWAPPED", [((1,), {})]), {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "f(*x)",
        "f(**x)",
        "f(x.y)",
        "f(lambda: 1)",
        "a.b()",
        "f()()",
        "f(swapped)",
        "f(1+1)",
        "\0",
        "1",
        "'f'",
        "[f]",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="no call of one"):
        spelt(text, find)


def test_what_does_not_fit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(typer.BadParameter, match=r"does not fit: .*unexpected keyword argument 'share'"):
        spelt("agreement(share=1)", find_filter)
    assert spelt("with_reasoning", find_target) == with_reasoning
    assert spelt("with_reasoning(most=2)", find_target) == WithReasoning(most=2)
    with pytest.raises(typer.BadParameter, match=r"'node' does not fit: .*missing 1 required positional argument"):
        spelt("node", find_target)
    with pytest.raises(typer.BadParameter, match="does not fit: Unable to infer model provider"):
        spelt("judged('nobody')", find_filter)
    with pytest.raises(typer.BadParameter, match=r"does not fit: .*credentials"):
        spelt("judged('openai:gpt-4.1-mini')", find_filter)
    with pytest.raises(UnknownName, match="no filter named 'agreeing'"):
        spelt("agreeing()", find_filter)


@pytest.mark.parametrize(
    ("text", "find", "told"),
    [
        ("agreement(min_n='3')", find_filter, "min_n='3' is not int"),
        ("agreement(min_share=True)", find_filter, "min_share=True is not float"),
        ("complete(samples='3')", find_filter, r"samples='3' is not int \| None"),
        ("complete(perturbations='swapped')", find_filter, "perturbations='swapped' is not"),
        ("with_reasoning(most='2')", find_target, r"most='2' is not int \| None"),
        ("node(5)", find_target, "name=5 is not str"),
        ("call('x')", find_target, "where='x' is not"),
        ("preferred(5)", find_target, "score=5 is not"),
    ],
)
def test_a_value_of_another_kind_is_refused_before_any_trace_is_read(text: str, find: Any, told: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"does not fit: {told}"):
        spelt(text, find)


def test_a_whole_number_is_a_share_and_a_text_is_a_path_of_gold(tmp_path: Path) -> None:
    assert spelt("agreement(min_share=1)", find_filter) == agreement(min_share=1)
    (tmp_path / "gold.jsonl").write_text('{"problem": "p", "answer": 4}')
    assert spelt(f"correct({str(tmp_path / 'gold.jsonl')!r})", find_filter).gold.answers == {"p": "4"}
    assert spelt("complete(samples=3, perturbations=['swapped'])", find_filter).perturbations == ("swapped",)

"""A search within a budget, whatever is capped: it stops, says by what, and answers with the best that it found."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from langdistill import budgets
from langdistill.answers import same
from langdistill.budgets import Price, budget
from langdistill.errors import ModelError
from langdistill.lab.search.reasoner import discriminator, generator
from langdistill.lab.search.world import draw
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
from langdistill.search.tree_of_thoughts import create_tree_of_thoughts

SMALL = Settings(rollouts=8, depth=5, thoughts=2, sub_questions=2, last_votes=4, votes=2, at_once=2, prefixes=2)
QUESTION = draw(1, seed=50).problems[0].question


def searched(**caps: Any) -> tuple[dict[str, Any], Any]:
    graph = create_mutual_reasoning(generator(50), discriminator(50), preset=SMALL)
    with budget(**caps) as spent:
        keys = ["answer", "stopped", "tree", "ended", "checked", "messages"]
        return graph.invoke({"messages": [("user", QUESTION)]}, output_keys=keys), spent


@pytest.fixture(scope="module")
def whole() -> tuple[dict[str, Any], Any]:
    return searched(prices={one.model: Price(2.0, 8.0) for one in (generator(50), discriminator(50))})


def test_the_ledger_prices_both_models(whole: tuple[dict[str, Any], Any]) -> None:
    state, spent = whole
    rows = {row["model"]: row for row in spent.ledger()}
    assert set(rows) == {generator(50).model, discriminator(50).model}
    assert all(row["cost"] > 0 for row in rows.values())
    assert rows[discriminator(50).model]["completions"] == sum(of for _, of in state["checked"])
    assert spent.money == pytest.approx(sum(row["cost"] for row in rows.values()))
    assert "stopped" not in state


@pytest.mark.parametrize("share", [0.3, 0.7])
@pytest.mark.parametrize("what", ["completions", "tokens", "money"])
def test_it_stops_at_a_share_of_the_whole(whole: tuple[dict[str, Any], Any], what: str, share: float) -> None:
    _, all_of = whole
    cap = int(share * all_of.completions) if what == "completions" else share * getattr(all_of, what)
    state, spent = searched(**{what: cap}, prices=all_of.prices)
    assert state["stopped"].startswith(f"{what} ")
    assert getattr(spent, what) < getattr(all_of, what)
    if what == "completions":
        assert spent.completions <= cap
    assert len(state["tree"]) > 1
    assert state["answer"] is not None
    assert any(one["answer"] is not None and same(one["answer"], state["answer"]) for one in state["tree"])


def test_seconds(whole: tuple[dict[str, Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second with every look at it."""
    ticks = count()
    monkeypatch.setattr(budgets, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    state, spent = searched(seconds=30)
    assert state["stopped"].startswith("seconds ")
    assert 0 < spent.completions < whole[1].completions


def test_no_price_no_search() -> None:
    with pytest.raises(ModelError, match="no price for the model"):
        searched(money=1.0)


def test_nothing_that_could_be_an_answer() -> None:
    state, _ = searched(completions=1)
    assert state["answer"] is None
    assert state["stopped"] == "completions 1 of 1"


def test_a_tree_of_thoughts_within_money(whole: tuple[dict[str, Any], Any]) -> None:
    prices = whole[1].prices
    graph = create_tree_of_thoughts(generator(50), thoughts=3, breadth=2, depth=6)
    with budget(prices=prices) as every:
        graph.invoke({"messages": [("user", QUESTION)]})
    with budget(money=every.money / 2, prices=prices) as spent:
        state = graph.invoke({"messages": [("user", QUESTION)]})
    assert state["stopped"].startswith("money ")
    assert spent.completions < every.completions
    assert state["messages"][-1].text

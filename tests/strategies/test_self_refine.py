from __future__ import annotations

from typing import Any

from langdistill import create_self_refine


def test_it_rewrites_until_there_is_nothing_to_improve(saying: Any, asked: Any) -> None:
    model = saying(["draft\none", "Too short.", "draft\ntwo", "Nothing to improve."])
    assert asked(create_self_refine(model))["messages"][-1].text == "draft\ntwo"
    assert "Too short." in model.prompts[2][-1].text


def test_it_stops_after_its_rounds(saying: Any, asked: Any) -> None:
    model = saying(["one", "more", "two", "more", "three"])
    assert asked(create_self_refine(model, rounds=2))["messages"][-1].text == "three"


def test_no_rounds_is_the_draft(saying: Any, asked: Any) -> None:
    assert asked(create_self_refine(saying(["one"]), rounds=0))["messages"][-1].text == "one"


def test_a_critic_of_its_own(saying: Any, asked: Any) -> None:
    critic = saying(["nothing to improve"])
    assert asked(create_self_refine(saying(["one"]), critic=critic))["messages"][-1].text == "one"
    assert len(critic.prompts) == 1


def test_an_empty_rewriting_leaves_the_draft(saying: Any, asked: Any) -> None:
    model = saying(["one", "more", "", "nothing to improve"])
    assert asked(create_self_refine(model))["messages"][-1].text == "one"

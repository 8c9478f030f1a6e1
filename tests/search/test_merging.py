"""Samples of a step that say the same are one node."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from langdistill.budgets import budget
from langdistill.jobs import sample_path
from langdistill.search.merging import distinct, told_alike
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
from langdistill.testing.models import OneReplyChatModel
from langdistill.votes import adaptive_consistency, early_stopping

QUESTION = "Ann has 3 apples. Bob gives her 4. How many apples has she?"
FLAT = Settings(rollouts=2, depth=2, thoughts=4, sub_questions=4, last_votes=4, votes=4, at_once=1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("She has 3 + 4 apples.", "Step 1: she has  3 + 4 apples"),
        ("2. She has **7**.\n", "She has 7"),
        ("- first\n- second", "First.\n\nSecond."),
        ("Thought: `x` is 2", "x is 2"),
        ("Sub-question 2: How many apples?", "How many apples?"),
    ],
)
def test_the_same_in_other_words_of_form(one: str, other: str) -> None:
    assert told_alike(one) == told_alike(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3 - 1 = 2", "3 + 1 = 2"), ("She has 3.", "She has 4."), ("a\nb", "b\na"), ("2.5 apples", "25 apples"), ("-3", "3"), ("3 is odd", "is odd"),
        ("How many?", "How many"),
    ],
)  # fmt: skip
def test_another_meaning_stays_apart(one: str, other: str) -> None:
    assert told_alike(one) != told_alike(other)


@given(some.text())
def test_set_aside_once_is_set_aside(text: str) -> None:
    """Spaces and case never tell two steps apart, and distinct keeps the first of each."""
    assert told_alike(f"  {text} \n\n") == told_alike(text)
    assert distinct([text, f"{text}\n", "another thing entirely"], told_alike)[0] == text


def searched(says: Any, settings: Settings) -> tuple[list[dict[str, Any]], int]:
    graph = create_mutual_reasoning(OneReplyChatModel(script=says), preset=settings)
    with budget() as spent:
        state = graph.invoke({"messages": [("user", QUESTION)]}, output_keys=["tree"])
    return state["tree"], spent.completions


def in_turns(action: str, *texts: str) -> Any:
    """Replies to the prompts of an action by the index of the sample; others are answered by one sentence."""

    def says(messages: Any, number: int) -> str:
        index = sample_path.get()[-1] if sample_path.get() else 0
        return texts[index % len(texts)] if action in messages[-1].text else "Answer: 7"

    return says


def test_thoughts_that_say_the_same_are_one_node() -> None:
    says = in_turns("next single step", "3 + 4 = 7.", "Step 1: **3 + 4 = 7**", "4 + 3 = 7", "3 + 4 = 7")
    only = FLAT.grammar.without({"A3", "A4", "A5"})
    tree, _ = searched(says, replace(FLAT, grammar=only))
    thoughts = [one["text"] for one in tree if one["action"] == "A1" and one["parent"] == 0]
    assert len(thoughts) == 2
    apart, _ = searched(says, replace(FLAT, grammar=only, alike=str))
    assert len([one for one in apart if one["action"] == "A1" and one["parent"] == 0]) == 4


def test_answers_of_one_value_are_one_leaf_and_all_of_them_count() -> None:
    says = in_turns("next single step", "Answer: 7", "Answer: 7.0", "So: 9\nAnswer: 9", "Answer: 7")
    tree, _ = searched(says, replace(FLAT, grammar=FLAT.grammar.without({"A2", "A3", "A4", "A5"})))
    leaves = {one["answer"]: one["reward"] for one in tree if one["parent"] == 0}
    assert leaves == {"7": 3 / 4, "9": 1 / 4}


def test_a_sub_question_in_two_spellings_is_answered_once() -> None:
    says = in_turns("Which sub-question", "How many has she now?", "1. how many has she NOW?")
    only = FLAT.grammar.without({"A1", "A2", "A4", "A5"})
    tree, completions = searched(says, replace(FLAT, grammar=only, depth=1))
    assert [one["text"].splitlines()[0] for one in tree[1:]] == ["How many has she now?"]
    assert completions == FLAT.sub_questions + FLAT.votes


@pytest.mark.parametrize(("stop", "asked"), [(early_stopping(2), 2), (adaptive_consistency(batch=4), 4)])
def test_votes_that_agree_are_cut_short(stop: Any, asked: int) -> None:
    only = FLAT.grammar.without({"A1", "A3", "A4", "A5"})
    wide = replace(FLAT, grammar=only, last_votes=12)
    _, every = searched(in_turns("nothing", ""), wide)
    tree, few = searched(in_turns("nothing", ""), replace(wide, stop=stop))
    assert (every, few) == (12, asked)
    assert [one["reward"] for one in tree[1:]] == [1.0]


def test_votes_that_differ_are_all_drawn() -> None:
    only = FLAT.grammar.without({"A1", "A3", "A4", "A5"})
    says = in_turns("from here to the end", "Answer: 7", "Answer: 8")
    tree, completions = searched(says, replace(FLAT, grammar=only, last_votes=6, stop=early_stopping(2)))
    assert completions == 6
    assert tree[1]["reward"] == 0.5

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill import create_branch_solve_merge, create_branch_solve_merge_generation
from langdistill.errors import AnswerError, ModelError
from langdistill.strategies.branch_solve_merge import REFERENCE, Score, labelled_pair, verdict
from langdistill.testing.models import OneReplyChatModel

PAIR = "Which response is better?\nRequest: List two animals.\nResponse A: cat, dog\nResponse B: cat, saw"


def judge(messages: list[BaseMessage], number: int) -> str:
    """Two criteria, and scores that depend on the responses, not on their order."""
    prompt = messages[-1].text
    if "criteria" in prompt:
        return "1. kind: every item is an animal\n2. count: two items"
    first = prompt.split("Response A: ")[1].split("\n")[0]
    return f"looked at both\nScores: A={5 if 'dog' in first else 2} B={2 if 'dog' in first else 5}"


def biased(messages: list[BaseMessage], number: int) -> str:
    return "one: thing" if "criteria" in messages[-1].text else "Scores: A=5 B=1"


def test_the_branch_call_sees_no_response_and_both_orders_share_the_criteria(asked: Any) -> None:
    model = OneReplyChatModel(script=judge)
    assert asked(create_branch_solve_merge(model), PAIR)["answer"] == "A"
    branch, *solves = [prompt[-1].text for prompt in model.prompts]
    assert "cat" not in branch
    assert Counter(text.split("Criterion: ")[1].split("\n")[0] for text in solves) == {
        "kind: every item is an animal": 2, "count: two items": 2}  # fmt: skip
    assert sum("Response A: cat, dog" in text for text in solves) == 2, "every criterion in both orders"


def test_the_verdict_follows_the_responses_not_their_places(asked: Any) -> None:
    swapped = PAIR.replace("A: cat, dog", "A: x").replace("B: cat, saw", "B: cat, dog").replace("A: x", "A: cat, saw")
    assert asked(create_branch_solve_merge(OneReplyChatModel(script=judge)), swapped)["answer"] == "B"


def test_a_judge_that_prefers_the_first_place_ends_in_a_tie(asked: Any) -> None:
    assert asked(create_branch_solve_merge(OneReplyChatModel(script=biased)), PAIR)["answer"] == "tie"


def test_scores_are_summed_over_the_criteria() -> None:
    plain = [Score(criterion=at, swapped=order, a=a, b=b) for at, (a, b) in enumerate([(5, 1), (1, 2), (1, 2)])
             for order in (False, True)]  # fmt: skip
    assert verdict(plain) == "A", "7 against 5, though B leads in two criteria of three"


def test_an_unreadable_branch_leaves_both_sums(asked: Any) -> None:
    scores = [
        Score(criterion=0, swapped=False, a=1, b=5),  # its other order could not be read
        Score(criterion=1, swapped=False, a=4, b=2),
        Score(criterion=1, swapped=True, a=4, b=2),
    ]
    assert verdict(scores) == "A"
    assert verdict(scores[:1]) is None


def test_branches_that_fail_are_counted() -> None:
    def partly(messages: list[BaseMessage], number: int) -> str:
        if number == 1:
            raise ConnectionError("lost")
        return "no scores here" if number == 2 else judge(messages, number)

    graph = create_branch_solve_merge(OneReplyChatModel(script=partly))
    parts: Any = graph.stream({"messages": [("user", PAIR)]}, {"max_concurrency": 1}, stream_mode="updates")
    updates = {name: update for part in parts for name, update in part.items()}
    assert (updates["solve"]["unread"], len(updates["solve"]["scores"])) == (2, 2)
    assert updates["merge"]["answer"] == "A", "the criterion whose two orders could be read decides"


def test_a_judge_that_cannot_be_parsed_gives_no_answer(asked: Any) -> None:
    graph = create_branch_solve_merge(OneReplyChatModel(script=lambda m, n: "1. tone" if n == 0 else "both are fine"))
    assert asked(graph, PAIR)["answer"] is None


def test_a_reference_answer_is_seen_by_solve_alone(asked: Any) -> None:
    def script(messages: list[BaseMessage], number: int) -> str:
        return "cat, cow" if messages[-1].text == "List two animals." else judge(messages, number)

    model = OneReplyChatModel(script=script)
    assert asked(create_branch_solve_merge(model, reference=REFERENCE), PAIR)["answer"] == "A"
    texts = [prompt[-1].text for prompt in model.prompts]
    assert ["cat, cow" in text for text in texts] == [False, False, True, True, True, True]


def test_a_pair_without_labels() -> None:
    with pytest.raises(AnswerError, match="no 'response b'"):
        labelled_pair("Request: x\nResponse A: y")
    assert labelled_pair(PAIR).b == "cat, saw"


def test_generation_writes_the_parts_apart_and_merges_them(saying: Any, asked: Any) -> None:
    model = saying(["1. Tell of a cat.\n2. Tell of a dog.", "The cat.", "The dog.", "The cat\nand the dog."])
    assert asked(create_branch_solve_merge_generation(model), "A story.")["answer"] == "The cat\nand the dog."
    split, first, second, merge = [prompt[-1].text for prompt in model.prompts]
    assert "A story." in split
    assert (first, second) == ("Tell of a cat.", "Tell of a dog.")
    assert "1. The cat.\n\n2. The dog." in merge
    assert "A story." in merge


def test_generation_leaves_out_what_failed(saying: Any, asked: Any) -> None:
    model = saying(["a\nb", "", "The dog.", "merged"])
    asked(create_branch_solve_merge_generation(model))
    assert "1. The dog." in model.prompts[-1][-1].text
    with pytest.raises(ModelError, match="'solve' is empty"):
        asked(create_branch_solve_merge_generation(saying(["a\nb", "", ""])))

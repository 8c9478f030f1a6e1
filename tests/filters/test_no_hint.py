"""No row tells of the hint that its teacher was given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.targets.final_answer import final_answer
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.errors import DatasetError
from langdistill.filters.no_hint import no_hint
from langdistill.groups import Group
from langdistill.prompts import ANSWER_HINT
from langdistill.records import Example
from tests.reasoned import solved

HINT = "(Known beforehand: the answer is 4.)"


def judged(
    text: str, hint: str | None = HINT, *, question: str = "What is 2 + 2?", **changes: Any
) -> tuple[bool | None, str]:
    """The verdict on a reply, its row changed."""
    group = Group("p", (solved("p", text, hint=hint, question=question),))
    [row] = with_reasoning(group).examples
    changed = row.model_copy(update=changes)
    verdict = no_hint()(Group("p", group.originals, rows=(changed,)))
    return verdict.keep, verdict.reason


def test_a_clean_rationale_stays() -> None:
    assert judged("Two and two are four.\nSo the answer is 4.\nAnswer: 4") == (True, "hint-absent")


def test_a_row_without_a_hint_is_not_suspected() -> None:
    assert judged("The hint says it.\nAnswer: 4", hint=None) == (True, "no-hint-given")


@pytest.mark.parametrize(
    "said",
    [
        "As the hint says, it is 4.",
        "The given answer is 4, so we add.",
        "We want to get to the provided answer of 4.",
        "The answer, as given, is 4.",
        "The answer is already known to be 4.",
        "We already know the answer: 4.",
        "I was told that the correct answer is 4.",
        "Known beforehand: 4.",
        "We add until we reach the correct answer.",
        "Since the correct answer is 4, we add.",
        "(known  BEFOREHAND: the answer\nis 4.)",
    ],
)
def test_a_rationale_that_speaks_of_the_hint_goes(said: str) -> None:
    assert judged(f"{said}\nAnswer: 4") == (False, "hint-in-reasoning")


def test_the_whole_target_is_read_and_so_is_what_was_rejected() -> None:
    clean = "Two and two.\nAnswer: 4"
    thought: Any = [{"role": "assistant", "content": "4", "reasoning_content": HINT}]
    assert judged(clean, target=thought) == (False, "hint-in-reasoning")
    call: Any = [{"role": "assistant", "content": "", "tool_calls": [{"function": {"arguments": HINT}}]}]
    assert judged(clean, target=call) == (False, "hint-in-reasoning")
    assert judged(clean, rejected=[{"role": "assistant", "content": HINT}]) == (False, "hint-in-reasoning")
    assert judged(clean, steps=[(HINT, True)]) == (False, "hint-in-reasoning")


def test_the_prompt_of_a_hinted_row_is_the_original_question() -> None:
    clean = "Two and two.\nAnswer: 4"
    for text in (f"What is 2 + 2?\n{HINT}", "What is 2 + 2? Think of a square."):
        assert judged(clean, messages=[{"role": "user", "content": text}]) == (False, "hint-in-prompt")


def test_an_unhinted_row_of_a_hinted_run_must_not_hold_the_hint_either() -> None:
    told: Any = [{"role": "user", "content": f"What is 2 + 2? {HINT}"}]
    assert judged("Two.\nAnswer: 4", hint_used=False, messages=told) == (False, "hint-in-prompt")
    assert judged("The hint.\nAnswer: 4", hint_used=False) == (True, "hint-absent")


def test_five_words_of_a_hint_in_a_row_are_enough() -> None:
    hint = "Listen. The teacher wrote four on the board. Go on."
    assert judged("My TEACHER wrote: 'four', on\na wall.\nAnswer: 4", hint=hint) == (True, "hint-absent")
    assert judged("The TEACHER wrote: 'four', on\nthe wall.\nAnswer: 4", hint=hint) == (False, "hint-in-reasoning")
    assert judged("Listen. I go on.\nAnswer: 4", hint=hint) == (True, "hint-absent")


def test_a_short_hint_is_looked_for_whole() -> None:
    assert judged("It is four, they say.\nAnswer: 4", hint="It is four.") == (False, "hint-in-reasoning")
    assert judged("It is fourteen minus ten.\nAnswer: 4", hint="It is four.") == (True, "hint-absent")


def test_a_question_that_speaks_of_hints_itself() -> None:
    question = "A quiz gives 3 hints, each hint costs 2 points. How many?"
    assert judged("Each hint costs 2, 3 hints cost 6.\nAnswer: 6", question=question) == (True, "hint-absent")


def test_without_traces_it_cannot_judge() -> None:
    [row] = with_reasoning(Group("p", (solved("p", "a\nAnswer: 4", hint=HINT),))).examples
    verdict = no_hint()(Group("p", rows=(row,)))
    assert (verdict.keep, verdict.reason) == (None, "no-traces")


def test_a_vote_with_hinted_runs_is_marked() -> None:
    plain, told = solved("a", "x\nAnswer: 4"), solved("b", "x\nAnswer: 4", hint=HINT, question="What is a?")
    assert [row.hint_used for row in final_answer(Group("p", (plain, told))).examples] == [True]
    assert [row.hint_used for row in final_answer(Group("p", (plain,))).examples] == [False]


def test_the_mark_is_no_content() -> None:
    row = Example(messages=[], target=[], problem="p", trace="t")
    assert row.content == row.model_copy(update={"hint_used": True}).content


def test_phrases_of_your_own() -> None:
    group = Group("p", (solved("p", "By magic.\nAnswer: 4", hint=HINT),))
    rows = Group("p", group.originals, rows=with_reasoning(group).examples)
    assert no_hint(phrases=[r"\bmagic\b"])(rows).reason == "hint-in-reasoning"
    assert no_hint(phrases=[r"\bmagic\b"]).params == {"phrases": [r"\bmagic\b"]}
    with pytest.raises(DatasetError, match="regular expression"):
        no_hint(phrases=["("])


@pytest.mark.slow
def test_honest_solutions_do_not_speak_of_a_hint(data: Path) -> None:
    """14,068 solutions that nobody was hinted at: 7,473 + 1,319 by people, 4 x 1,319 sampled (GSM8K, MIT)."""
    lines = (data / "gsm8k" / "train.jsonl").read_text().splitlines()
    texts = [(row["question"], row["answer"]) for row in map(json.loads, lines)]
    for row in map(json.loads, (data / "gsm8k" / "example_model_solutions.jsonl").read_text().splitlines()):
        sampled = [one["solution"] for one in row.values() if isinstance(one, dict)]
        texts += [(row["question"], text) for text in [row["ground_truth"], *sampled]]
    assert len(texts) == 14_068
    spoken = [judged(f"{text}\nAnswer: 4", question=question)[0] for question, text in texts]
    assert spoken.count(False) == 0


@pytest.mark.parametrize(
    "question", ["Where is it?", "Where is it?\n(A) in the drawer of the desk\n(B) on the old chair"]
)
def test_a_long_answer_is_no_hint_by_itself(question: str) -> None:
    """The hint holds the answer, and an honest solution ends in it."""
    answer = "in the drawer of the desk"
    hint = ANSWER_HINT.format(answer=answer)
    assert judged(f"He put it away.\nAnswer: {answer}", hint=hint, question=question) == (True, "hint-absent")
    told = f"Beforehand: the answer is {answer}.\nAnswer: {answer}"
    assert judged(told, hint=hint, question=question) == (False, "hint-in-reasoning")


def test_a_number_is_one_word() -> None:
    hint = ANSWER_HINT.format(answer="70,000")
    assert judged("So the answer is 70,000.\nAnswer: 70,000", hint=hint) == (True, "hint-absent")


def test_a_question_that_holds_the_whole_hint_excuses_nothing() -> None:
    assert judged("Two.\nAnswer: 4", question=f"What is 2 + 2? {HINT}") == (False, "hint-in-prompt")


def test_a_hint_within_a_sentence_without_spaces_is_found() -> None:
    hint = "已知答案是四百零二"
    assert judged("因为已知答案是四百零二，所以这样算。\nAnswer: 402", hint=hint) == (False, "hint-in-reasoning")
    assert judged("二百加二百零二，所以答案是四百零二。\nAnswer: 402", hint=hint) == (True, "hint-absent")


def test_arguments_are_read_as_what_they_say() -> None:
    said = json.dumps({"note": "Known\nbeforehand:\nthe answer\nis 4"})
    call: Any = [{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "n", "arguments": said}}]}]
    assert judged("Two and two.\nAnswer: 4", target=call) == (False, "hint-in-reasoning")
    odd: Any = [{"role": "assistant", "content": "", "tool_calls": [{"id": "a", "function": None}]}]
    assert judged("Two and two.\nAnswer: 4", target=odd) == (True, "hint-absent")

"""The four texts of one reasoned answer (Fu et al., 2301.12726)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from langdistill.datasets.formats.fitting import Unfit
from langdistill.datasets.renderings.answer_only import answer_only
from langdistill.datasets.renderings.exemplars import Exemplars
from langdistill.datasets.renderings.finding import find_rendering, rendering_names
from langdistill.datasets.renderings.four_formats import STYLES, four_formats
from langdistill.datasets.renderings.zero_shot_cot import zero_shot_cot
from langdistill.errors import DatasetError, PromptError, UnknownName
from langdistill.records import Example
from tests.reasoned import row

TRAIN = [row(f"p{at:03}", f"Step {at}.", str(at)) for at in range(40)]


def texts(rendering: Any, example: Example, train: list[Example] = TRAIN) -> dict[str, tuple[str, str]]:
    """Style to prompt and target."""
    rows = list(rendering.over(train)(example))
    assert all(isinstance(one, Example) for one in rows)
    return {one.style: (one.messages[-1]["content"], one.target[0]["content"]) for one in rows}


def test_the_four_texts() -> None:
    found = texts(four_formats(shots=2), TRAIN[0])
    assert list(found) == list(STYLES)
    assert found["zero_shot_cot"] == ("What is p000?\nThink step by step.", "Step 0.\nAnswer: 0")
    assert found["zero_shot_answer"] == ("What is p000?", "0")
    first, second, own = found["in_context_cot"][0].split("\n\n")
    assert own == "What is p000?\nThink step by step."
    for shown in (first, second):
        at = int(shown[9:12])
        assert shown == f"What is p{at:03}?\nThink step by step.\nStep {at}.\nAnswer: {at}"
    assert first != second
    assert found["in_context_cot"][1] == "Step 0.\nAnswer: 0"
    shown_answer = [one.split("\n")[0] for one in found["in_context_answer"][0].split("\n\n")]
    assert shown_answer == [one.split("\n")[0] for one in found["in_context_cot"][0].split("\n\n")]
    assert "Step" not in found["in_context_answer"][0]
    assert found["in_context_answer"][1] == "0"


def test_a_row_never_shows_its_own_problem_or_its_relatives() -> None:
    family = [row(f"r{at}", answer=str(at), seed="p000") for at in range(10)]
    train = sorted([*TRAIN[:12], *family], key=lambda one: one.problem)
    exemplars = Exemplars(train, reasoned=True, seed=0)
    for one in [*family, TRAIN[0]]:
        shown = exemplars.for_row(one, 11)
        assert {x.question for x in shown} == {f"What is p{at:03}?" for at in range(1, 12)}
    assert "What is p001?" not in {x.question for x in exemplars.for_row(TRAIN[1], 11)}


def test_a_problem_with_many_rows_is_one_exemplar() -> None:
    train = [row("a", f"way {at}") for at in range(9)] + [row("b"), row("c")]
    shown = Exemplars(train, reasoned=True, seed=0).for_row(row("z"), 3)
    assert {one.question for one in shown} == {"What is a?", "What is b?", "What is c?"}


def test_too_few_exemplars_are_a_reject_and_the_other_styles_stay() -> None:
    found = list(four_formats(shots=4).over(TRAIN[:4])(TRAIN[0]))
    assert [one.reason if isinstance(one, Unfit) else one.style for one in found] == [
        "too-few-exemplars",
        "zero_shot_cot",
        "too-few-exemplars",
        "zero_shot_answer",
    ]


def test_without_reasoning_only_the_answer_can_be_taught() -> None:
    found = list(four_formats(shots=1).over(TRAIN)(row("x", None)))
    assert [one.reason if isinstance(one, Unfit) else one.style for one in found] == [
        "no-reasoning",
        "no-reasoning",
        "in_context_answer",
        "zero_shot_answer",
    ]


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        (row("x", answer=None), "no-answer"),
        (row("x", answer=" "), "no-answer"),
        (row("x", "<<1+1=2>>"), "no-reasoning"),
        (row("x", messages=[{"role": "assistant", "content": "hi"}]), "no-question"),
        (row("x", messages=[]), "no-question"),
        (row("x", target=[{"role": "assistant", "content": "a"}] * 2), "not-one-text"),
        (row("x", target=[{"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]}]), "not-one-text"),
    ],
)
def test_what_cannot_be_written_says_why(example: Example, reason: str) -> None:
    [found] = zero_shot_cot().over(TRAIN)(example)
    assert isinstance(found, Unfit)
    assert found.reason == reason


def test_calculator_annotations_are_taken_out_everywhere() -> None:
    annotated = [row(f"p{at}", "48/2 = <<48/2=24>>24 and 5% is $<<.05*20=1.00>>1", "25") for at in range(5)]
    for prompt, target in texts(four_formats(), annotated[0], annotated).values():
        assert "<<" not in prompt + target
    assert texts(zero_shot_cot(), annotated[0])["zero_shot_cot"][1] == "48/2 = 24 and 5% is $1\nAnswer: 25"


def test_code_is_no_annotation() -> None:
    [found] = zero_shot_cot().over([])(row("x", "cout << x=1 >> y == z; a<<b>>c; cat <<EOF"))
    assert isinstance(found, Example)
    assert found.reasoning == "cout << x=1 >> y == z; a<<b>>c; cat <<EOF"


def test_the_draw_depends_on_problem_and_seed_alone() -> None:
    one = texts(four_formats(seed=1), TRAIN[5])
    assert texts(four_formats(seed=1), TRAIN[5], TRAIN[::-1]) == one
    assert texts(four_formats(seed=2), TRAIN[5]) != one
    assert texts(four_formats(seed=1), TRAIN[6])["in_context_cot"] != one["in_context_cot"]


def test_the_draw_is_the_same_in_another_process() -> None:
    told = (
        "from tests.datasets.renderings.test_four_formats import *\n"
        "print([one.question for one in Exemplars(TRAIN, reasoned=True, seed=0).for_row(TRAIN[0], 4)])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    shown = Exemplars(TRAIN, reasoned=True, seed=0).for_row(TRAIN[0], 4)
    assert done.stdout.strip() == str([one.question for one in shown])


def test_what_judged_the_old_target_is_left_out() -> None:
    one = row(
        "x",
        rejected=[{"role": "assistant", "content": "no"}],
        margin=0.5,
        steps=[("a", True)],
        logprobs=[{}],
        weight=0.25,
    )
    cot, answer = four_formats("zero_shot_cot", "zero_shot_answer").over([])(one)
    assert isinstance(cot, Example)
    assert isinstance(answer, Example)
    assert (cot.rejected, cot.margin, cot.steps, cot.logprobs, cot.weight) == (None, None, None, [{}], 0.25)
    assert (answer.reasoning, answer.logprobs, answer.answer) == (None, None, "4")


def test_templates_pictures_and_earlier_messages() -> None:
    blocks: Any = [{"type": "text", "text": "Q {answer}"}, {"type": "image_url", "image_url": {"url": "x"}}]
    one = row("x", messages=[{"role": "system", "content": "S"}, {"role": "user", "content": blocks}])
    [found] = zero_shot_cot(cot="Q: {question}", solution="{reasoning} #### {answer}").over([])(one)
    assert isinstance(found, Example)
    assert found.messages[0] == {"role": "system", "content": "S"}
    assert found.messages[1]["content"] == [{"type": "text", "text": "Q: Q {answer}"}, blocks[1]]
    assert found.target == [{"role": "assistant", "content": "Because. #### 4"}]


def test_the_control_is_always_there() -> None:
    assert texts(answer_only(), row("x", None)) == {"zero_shot_answer": ("What is x?", "4")}


def test_wrong_settings_fail_at_once() -> None:
    with pytest.raises(DatasetError, match=r"'cot'.*in_context_cot"):
        four_formats("cot")
    with pytest.raises(DatasetError, match="twice"):
        four_formats("zero_shot_cot", "zero_shot_cot")
    with pytest.raises(DatasetError, match="shots=0"):
        four_formats(shots=0)
    with pytest.raises(PromptError, match="reasoning"):
        four_formats(solution="{answer}")
    with pytest.raises(PromptError, match="target"):
        four_formats(exemplar="{prompt}")


def test_renderings_are_found_by_name() -> None:
    assert rendering_names() == ["answer_only", "four_formats", "step_by_step", "zero_shot_cot"]
    for name in rendering_names():
        assert find_rendering(name)().name == name
    with pytest.raises(UnknownName, match="rendering named 'none'"):
        find_rendering("none")

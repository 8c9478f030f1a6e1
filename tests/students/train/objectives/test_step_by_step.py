"""Distilling step by step (Hsieh et al., 2305.02301): two passes, and exactly the weighted sum of their losses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.card import load_student
from langdistill.students.train.job import planned
from langdistill.students.train.objectives.step_by_step import step_by_step
from langdistill.students.train.training import train
from tests.trained import FEW, losses_of, row, trainer_of, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

ANSWERS = {"A": "yes", "B": "no", "C": "a tie it is", "D": "Once more."}


def label(of: str, **more: Any) -> dict[str, Any]:
    return row(f"[label] What is {of}?", ANSWERS[of], style="label", problem=of, **more)


def rationale(of: str, **more: Any) -> dict[str, Any]:
    return row(f"[rationale] What is {of}?", f"{of} it is, then." * 3, style="rationale", problem=of, **more)


ROWS = [one for of in ANSWERS for one in (label(of), rationale(of))]
LABELS, RATIONALES = ROWS[::2], ROWS[1::2]


def mean(losses: list[list[float]], weights: list[float] | None = None) -> float:
    each = weights or [1.0] * len(losses)
    tokens = sum(w * len(one) for w, one in zip(each, losses, strict=True))
    return sum(w * sum(one) for w, one in zip(each, losses, strict=True)) / tokens


@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_the_batch_loss_is_the_weighted_sum_of_a_label_batch_and_a_rationale_batch(
    alpha: float, tmp_path: Path
) -> None:
    trainer = trainer_of(tmp_path, ROWS, objective=step_by_step(alpha=alpha))
    [batch] = trainer.get_train_dataloader()
    trainer.model.eval()
    told = trainer.compute_loss(trainer.model, batch).item()
    assert told == pytest.approx(alpha * mean(losses_of(LABELS)) + (1 - alpha) * mean(losses_of(RATIONALES)), rel=2e-6)


def test_it_is_the_sum_of_what_sft_says_of_each(tmp_path: Path) -> None:
    """To the last bit: the same model, the same batches, one after the other."""
    both = trainer_of(tmp_path / "both", ROWS, objective=step_by_step(alpha=0.25))
    [batch] = both.get_train_dataloader()
    both.model.eval()
    each = [trainer_of(tmp_path / task, rows) for task, rows in (("l", LABELS), ("r", RATIONALES))]
    losses: list[Any] = []
    for trainer, task in zip(each, ("label", "rationale"), strict=True):
        trainer.model.eval()
        losses.append(trainer.compute_loss(trainer.model, dict(batch[task])))
    assert both.compute_loss(both.model, batch).item() == (0.25 * losses[0] + 0.75 * losses[1]).item()


def test_an_update_of_several_passes_has_the_same_loss(tmp_path: Path) -> None:
    """Tokens are counted over the update, of each task by itself."""
    expected = 0.5 * mean(losses_of(LABELS)) + 0.5 * mean(losses_of(RATIONALES))
    for batch_size, accumulate in ((4, 1), (1, 4)):
        recipe = FEW.model_copy(update={"steps": 1, "batch_size": batch_size, "accumulate": accumulate})
        trainer = trainer_of(tmp_path / str(batch_size), ROWS, objective="step_by_step", recipe=recipe)
        trainer.train()
        assert trainer.state.log_history[0]["loss"] == pytest.approx(expected, rel=2e-6)


def test_weights_count_among_the_rows_of_a_task(tmp_path: Path) -> None:
    weights = dict(zip(ANSWERS, [1.0, 0.5, 0.25, 2.0], strict=True))
    rows = [one for of, w in weights.items() for one in (label(of, weight=w), rationale(of, weight=w))]
    trainer = trainer_of(tmp_path, rows, objective="step_by_step")
    [batch] = trainer.get_train_dataloader()
    trainer.model.eval()
    expected = [mean(losses_of(of), list(weights.values())) for of in (LABELS, RATIONALES)]
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(sum(expected) / 2, rel=2e-6)


def test_both_rows_of_an_example_are_in_one_batch(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, ROWS, objective="step_by_step", recipe=FEW.model_copy(update={"batch_size": 1}))
    tokenizer, seen = trainer.processing_class, set[str]()
    for batch in trainer.get_train_dataloader():
        texts = [tokenizer.decode(batch[task]["input_ids"][0]) for task in ("label", "rationale")]
        [name] = [of for of in ANSWERS if all(f"What is {of}?" in text for text in texts)]
        assert texts[0].endswith(f"{ANSWERS[name]}<|end|>")
        assert texts[1].endswith("then.<|end|>")
        assert "then" not in texts[0], "never one text"
        seen.add(name)
    assert seen == set(ANSWERS)


def test_rationales_of_one_question_each_have_their_label() -> None:
    """Two examples of one problem stand in the order of the file, whatever stands between."""
    from langdistill.students.train.objectives.step_by_step import _pairs

    more = {**rationale("A"), "completion": [{"role": "assistant", "content": "Otherwise."}]}
    rows = [label("A"), label("B"), rationale("A"), label("A"), rationale("B"), more]
    assert _pairs(rows) == [(label("A"), rationale("A")), (label("B"), rationale("B")), (label("A"), more)]


def test_the_student_says_the_label_and_no_reasoning(tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    recipe = FEW.model_copy(update={"steps": 60})
    student = train(data, WEIGHTS, tmp_path / "s", objective="step_by_step", recipe=recipe)
    assert student.last.params == {"alpha": 0.5}
    assert (student.last.rows, student.measurements["training"]["tokens"]) == (8, tokens(data))
    chat = load_student(tmp_path / "s")
    assert [chat.invoke(one["prompt"]).text for one in LABELS] == list(ANSWERS.values())


def tokens(data: Path) -> int:
    job = planned(data, WEIGHTS, data.parent / "s", objective="sft", recipe=FEW, seed=0)
    assert planned(data, WEIGHTS, data.parent / "s", objective="step_by_step", recipe=FEW, seed=0).tokens == job.tokens
    return job.tokens


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (
            lambda p: trainer_of(p, [*ROWS, label("A"), label("B"), rationale("C")], objective="step_by_step"),
            DatasetError,
            "Of 7 examples 1 have no label and 2 have no rationale row",
        ),
        (
            lambda p: trainer_of(p, [*ROWS, row("x", "y", style="cot"), row("x", "y")], objective="step_by_step"),
            DatasetError,
            r"2 of 10 rows are of neither style label nor rationale \(the first: 'cot'\)",
        ),
        (
            lambda p: trainer_of(p, ROWS, objective="step_by_step", recipe=FEW.model_copy(update={"packing": True})),
            StudentError,
            "part the two rows",
        ),
        (lambda p: step_by_step(alpha=1), StudentError, "alpha=1 would leave one of the two tasks out"),
    ],
)
def test_what_is_no_pair_of_tasks_is_told(
    make: Callable[[Path], Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        make(tmp_path)

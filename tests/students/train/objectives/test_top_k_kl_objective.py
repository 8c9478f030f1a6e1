"""Training on the real recorded log-probabilities of the lab model: what it says step by step, learnt without being asked to."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from langdistill import TraceRecorder, create_chain_of_thought, harvest
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.datasets.teacher_logprobs import teacher_logprobs
from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.lab.tasks import task
from langdistill.students.card import load_student
from langdistill.students.local import LocalChatModel
from langdistill.students.train.job import Job, planned
from langdistill.students.train.objective import find_objective
from langdistill.students.train.objectives.top_k_kl import top_k_kl
from langdistill.students.train.recipe import MINIATURE
from langdistill.students.train.training import train

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

Row = dict[str, Any]
FEW = MINIATURE.model_copy(update={"steps": 8, "batch_size": 6})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Six rows: the questions as a user asks them, what the lab model says when it is told to think, and its top five."""
    folder = tmp_path_factory.mktemp("recorded")
    teacher = LocalChatModel(model=str(WEIGHTS), logprobs=True, top_logprobs=5, max_tokens=160)
    problems = task("letters").draw(6, seed=5, pool="train").problems
    with TraceRecorder(folder / "traces.db") as recorder:
        create_chain_of_thought(teacher).batch(
            [{"messages": [("user", one.question)]} for one in problems],
            [{"callbacks": [recorder], "metadata": one.metadata} for one in problems],
        )
    told = teacher_logprobs(with_reasoning, tokenizer="lab")
    harvest(folder / "traces.db").target(told).write(folder / "data", format="top_k_logprobs", validation=0)
    return [json.loads(line) for line in (folder / "data" / "train.jsonl").read_text().splitlines()]


def job(rows: list[Row], folder: Path, **knobs: Any) -> Job:
    return planned(written(rows, folder), WEIGHTS, folder / "s", objective=top_k_kl(**knobs), recipe=FEW, seed=0)


def written(rows: list[Row], folder: Path) -> Path:
    place = folder / "data"
    place.mkdir(parents=True)
    (place / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "manifest.json").write_text(json.dumps({"hash": "abc", "format": "top_k_logprobs"}))
    return place


def loss_at_step_0(one: Job, folder: Path) -> float:
    """Of all rows as one batch."""
    trainer = one.objective.trainer(one.materials(folder))
    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(len(one.rows))])
    return float(trainer.compute_loss(trainer.model.eval(), batch).detach())


def reference(one: Job) -> float:
    """In float64 and by the definition: the lab model's own tokens, so that the teacher's k-th token is the student's k-th."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float64)
    vocabulary = one.tokenizer.get_vocab()
    total, tokens = [], 0.0
    for row in one.rows:
        prompt = one.tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True)["input_ids"]
        ids = one.tokenizer.apply_chat_template([*row["prompt"], *row["completion"]])["input_ids"]
        with torch.no_grad():
            log_q = torch.log_softmax(model(torch.tensor([ids])).logits[0], -1)
        told = row.get("logprobs") or []
        for at in range(len(prompt), len(ids)):
            place = at - len(prompt)
            alternatives = {
                vocabulary[alternative["token"].replace(" ", "Ġ").replace("\n", "Ċ")]: math.exp(alternative["logprob"])
                for alternative in (told[place]["top_logprobs"] if place < len(told) else ())
                if not alternative["token"].startswith("<|")
            } or {ids[at]: 1.0}
            total += [
                row.get("weight", 1.0) * p * (math.log(p) - float(log_q[at - 1, token]))
                for token, p in alternatives.items()
            ]
        tokens += row.get("weight", 1.0) * (len(ids) - len(prompt))  # weights are 1 a token on average
    return math.fsum(total) / tokens


def test_the_loss_at_step_0_is_that_of_a_reference_in_float64(recorded: list[Row], tmp_path: Path) -> None:
    one = job(recorded, tmp_path)
    assert loss_at_step_0(one, tmp_path) == pytest.approx(reference(one), abs=1e-5)


def test_weights_count_and_rows_without_logprobs_are_learnt_as_they_are_said(
    recorded: list[Row], tmp_path: Path
) -> None:
    answer = {**recorded[2], "completion": [{"role": "assistant", "content": 'Answer: "se"'}], "logprobs": None}
    one = job([recorded[0], {**recorded[1], "weight": 0.25}, answer], tmp_path)
    assert [len(ids) for ids in one.prepared[2]["teacher_ids"]] == [0] * one.objective.sizes(one.prepared[2])[1]
    assert loss_at_step_0(one, tmp_path) == pytest.approx(reference(one), abs=1e-5)


def test_the_own_tokens_are_copied_as_they_are_and_the_end_is_taught_alone(recorded: list[Row], tmp_path: Path) -> None:
    one = job(recorded, tmp_path)
    for row, prepared in zip(recorded, one.prepared, strict=True):
        learnt = [label for label in prepared["labels"] if label != -100]
        text = [one.tokenizer.decode([label]) for label in learnt]
        assert text[: len(row["logprobs"])] == [token["token"] for token in row["logprobs"]]
        assert prepared["teacher_ids"][len(row["logprobs"]) :] == [[]] * (len(learnt) - len(row["logprobs"]))
        assert text[len(row["logprobs"])] == "<|end|>"
        for ids, probs, token in zip(prepared["teacher_ids"], prepared["teacher_probs"], row["logprobs"], strict=False):
            known = [other for other in token["top_logprobs"] if not other["token"].startswith("<|")]
            assert [one.tokenizer.decode([at]) for at in ids] == [other["token"] for other in known]
            assert probs == [math.exp(other["logprob"]) for other in known]
            assert len(ids) >= 4


def test_k_alternatives_are_the_likeliest_and_mass_is_renormalised_when_asked_for(
    recorded: list[Row], tmp_path: Path
) -> None:
    prepared = job(recorded, tmp_path, k=2, renormalise=True).prepared
    told = [
        (ids, probs) for row in prepared for ids, probs in zip(row["teacher_ids"], row["teacher_probs"], strict=True)
    ]
    assert {len(ids) for ids, _ in told} == {0, 1, 2}
    assert all(math.fsum(probs) == pytest.approx(1) for ids, probs in told if ids)
    assert all(probs == sorted(probs, reverse=True) for _, probs in told)


def test_a_student_learns_to_think_without_being_asked(recorded: list[Row], tmp_path: Path) -> None:
    before = loss_at_step_0(job(recorded, tmp_path), tmp_path)
    recipe = FEW.model_copy(update={"steps": 25})
    student = train(tmp_path / "data", WEIGHTS, tmp_path / "s", objective="top_k_kl", recipe=recipe)
    assert student.last.objective == "top_k_kl"
    assert student.last.params == {"k": 5, "renormalise": False, "least_copied": 0.25}
    assert student.measurements["training"]["loss"] < before / 4
    question = recorded[0]["prompt"][0]["content"]
    assert LocalChatModel(model=str(WEIGHTS)).invoke(question).text.count("\n") == 0
    assert load_student(tmp_path / "s").invoke(question).text.startswith("The last letter of")


def test_from_hidden_states_or_logits_and_in_one_pass_or_three_the_first_step_is_one(
    recorded: list[Row], tmp_path: Path
) -> None:
    """With all weights trained, the output layer's among them."""
    data, found = written(recorded, tmp_path), list[tuple[float, float]]()
    for linear, passes in ((True, 1), (False, 1), (True, 3)):
        sizes = {"batch_size": 6 // passes, "accumulate": passes}
        recipe = FEW.model_copy(update={"adapter": "full", "steps": 1, "precision": "fp32", **sizes})
        one = planned(data, WEIGHTS, tmp_path / "s", objective="top_k_kl", recipe=recipe, seed=0)
        trainer = one.objective.trainer(one.materials(tmp_path / f"{linear}-{passes}"))
        assert trainer.linear
        trainer.linear = linear
        trainer.train()
        found.append((trainer.state.log_history[0]["loss"], trainer.state.log_history[0]["grad_norm"]))
    assert found[1] == pytest.approx(found[0], rel=1e-5)
    assert found[2] == pytest.approx(found[0], rel=1e-5)


def recut(row: Row, pattern: str) -> Row:
    """The same text in tokens of another tokenizer, each with half of the mass, and a quarter on "The"."""
    text = row["completion"][0]["content"]
    tokens = re.findall(pattern, text, re.DOTALL)
    assert "".join(tokens) == text

    def told(token: str, mass: float) -> Row:
        return {"token": token, "logprob": math.log(mass)}

    return {
        **row,
        "logprobs": [{**told(one, 0.5), "top_logprobs": [told(one, 0.5), told("The", 0.25)]} for one in tokens],
        "tokenizer": "words",
    }


def test_tokens_of_another_tokenizer_are_aligned(recorded: list[Row], tmp_path: Path) -> None:
    """Words with the space before them: the lab model knows the words of its templates, and spells names."""
    one = job([recut(row, r" ?\w+| ?.") for row in recorded], tmp_path)
    copied = learnt_in_all = 0
    for row, prepared in zip(one.rows, one.prepared, strict=True):
        learnt = [one.tokenizer.decode([label]) for label in prepared["labels"] if label != -100]
        theirs = dict(placed([token["token"] for token in row["logprobs"]]))
        for (at, token), ids in zip(placed(learnt), prepared["teacher_ids"], strict=True):
            taught = [one.tokenizer.decode([other]) for other in ids]
            assert taught == (list(dict.fromkeys([token, "The"])) if theirs.get(at) == token else [])
            copied += bool(taught)
        learnt_in_all += len(learnt)
    assert (copied, learnt_in_all) == (184, 330)


def placed(tokens: list[str]) -> list[tuple[int, str]]:
    """Each token with where it begins."""
    return list(zip(accumulate(map(len, tokens), initial=0), tokens, strict=False))


def test_what_a_template_puts_around_the_answer_is_taught_as_it_is(recorded: list[Row], tmp_path: Path) -> None:
    """As the empty thinking that some templates print."""
    one, other = (job(recorded[:1], tmp_path / name) for name in ("plain", "wordy"))
    template = other.tokenizer.chat_template
    other.tokenizer.chat_template = template.replace(
        "{% generation %}{{ message['content']", "{% generation %}{{ '<x>\n\n</x>\n\n' + message['content']"
    )
    [plain], [wordy] = one.prepared, other.prepared
    more = len(wordy["teacher_ids"]) - len(plain["teacher_ids"])
    assert more > 5
    assert wordy["teacher_ids"] == [[]] * more + plain["teacher_ids"]


def probabilities(row: Row) -> Row:
    """The row with probabilities where their logarithms should be."""
    tokens = [
        {**one, "top_logprobs": [{**other, "logprob": math.exp(other["logprob"])} for other in one["top_logprobs"]]}
        for one in row["logprobs"]
    ]
    return {**row, "logprobs": tokens}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda row: recut(row, ".{7}|.+"),
            r"copied at .* tokens, which is less than 25%: its tokens \(words\) and those",
        ),
        (lambda row: {**row, "logprobs": row["logprobs"][::-1]}, "6 have the logprobs of another text"),
        (lambda row: {**row, "logprobs": [{"top_logprobs": 3}]}, "6 have logprobs in another shape"),
        (lambda row: probabilities(row), "6 have logprobs in another shape"),
        (lambda row: {**row, "logprobs": None}, "None of 6 rows has log-probabilities"),
    ],
)
def test_what_teaches_nothing_is_refused(
    recorded: list[Row], change: Callable[[Row], Row], says: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=says):
        _ = job([change(row) for row in recorded], tmp_path).prepared


def test_settings_that_make_no_sense(recorded: list[Row], tmp_path: Path) -> None:
    for knobs in ({"k": 0}, {"least_copied": 1.5}):
        with pytest.raises(DatasetError, match=r"top_k_kl\(k="):
            top_k_kl(**knobs)
    packed = FEW.model_copy(update={"packing": True})
    with pytest.raises(StudentError, match="cannot pack"):
        train(
            written(recorded, tmp_path), WEIGHTS, tmp_path / "s", objective=find_objective("top_k_kl")(), recipe=packed
        )

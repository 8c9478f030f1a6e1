from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.card import Student
from langdistill.students.libraries import hushed
from langdistill.students.train.objectives.gkd import gkd
from langdistill.students.train.objectives.on_policy import on_policy
from langdistill.students.train.objectives.pairwise_ranker import pairwise_ranker
from tests.students.train.objectives.material import (
    ANSWERED,
    FEW,
    PAIRS,
    SHORT,
    disturb,
    job,
    learnt,
    loss_of,
    precise,
    says,
    trainer_of,
    user,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


def divergence(student: Any, teacher: Any, ids: list[int], labels: list[int], beta: float) -> list[float]:
    """At each token that carries loss: equation 1 of Agarwal et al. (2306.13649), in double precision."""
    import torch

    with torch.inference_mode():
        q, p = (model(input_ids=torch.tensor([ids])).logits[0].double().softmax(-1) for model in (student, teacher))
    places = [at - 1 for at, label in enumerate(labels) if label != -100]
    if beta == 0:
        return [float((p[at] * (p[at] / q[at]).log()).sum()) for at in places]
    if beta == 1:
        return [float((q[at] * (q[at] / p[at]).log()).sum()) for at in places]
    found: list[float] = []
    for at in places:
        between = beta * p[at] + (1 - beta) * q[at]
        towards = (p[at] * (p[at] / between).log()).sum(), (q[at] * (q[at] / between).log()).sum()
        found.append(float(beta * towards[0] + (1 - beta) * towards[1]))
    return found


@pytest.mark.parametrize("beta", [0, 0.3, 1])
def test_the_loss_is_the_divergence_of_the_paper(beta: float, teacher: Student, tmp_path: Path) -> None:
    trained = job(tmp_path, ANSWERED, gkd(teacher, lmbda=0, beta=beta))
    trainer = trainer_of(trained, tmp_path / "work")
    disturb(trainer.model)
    loss = loss_of(trainer)
    trainer.save_model(str(tmp_path / "policy"))
    models = precise(tmp_path / "policy"), precise(teacher.folder)
    found = [one for row in trained.prepared for one in divergence(*models, row["input_ids"], row["labels"], beta)]
    assert loss == pytest.approx(sum(found) / len(found), abs=1e-5)


def test_a_student_comes_to_think_what_its_teacher_thinks(teacher: Student, tmp_path: Path) -> None:
    student, losses = learnt(tmp_path, ANSWERED, gkd(teacher, lmbda=0), SHORT)
    rows = job(tmp_path, ANSWERED, gkd(teacher, lmbda=0)).prepared
    after, before = (
        sum(sum(divergence(one, precise(teacher.folder), row["input_ids"], row["labels"], 0.5)) for row in rows)
        for one in (precise(student.folder), precise())
    )
    assert after < before / 3
    assert losses[-1] < losses[0] / 3


def test_a_teacher_that_is_the_student_teaches_nothing(tmp_path: Path) -> None:
    trainer = trainer_of(job(tmp_path, ANSWERED, gkd(WEIGHTS, beta=1)), tmp_path / "work")
    assert loss_of(trainer) == pytest.approx(0, abs=1e-6)


def test_on_policy_the_mean_is_over_what_was_sampled(teacher: Student, tmp_path: Path) -> None:
    objective = on_policy(teacher, max_tokens=5)
    assert (objective.name, objective.lmbda, objective.beta, objective.temperature) == ("on_policy", 1, 1, 1)
    trained = job(tmp_path, ANSWERED, objective)
    trainer = trainer_of(trained, tmp_path / "work")
    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(12)])
    written = batch["labels"].tolist()
    assert trainer._get_num_items_in_batch([batch], "cpu") is None
    trainer.current_gradient_accumulation_steps = 1
    loss = float(trainer.training_step(trainer.model, batch))
    sampled = batch["labels"].tolist()
    assert sampled != written
    assert {sum(label != -100 for label in labels) for labels in sampled} <= {1, 2, 3, 4, 5}
    models = precise(), precise(teacher.folder)
    found = [one for row in zip(*unpadded(batch), strict=True) for one in divergence(*models, *row, 1)]
    assert loss == pytest.approx(sum(found) / len(found), abs=1e-4)
    for ids, labels in zip(*unpadded(batch), strict=True):
        ends = [at for at, (token, label) in enumerate(zip(ids, labels, strict=True)) if label != -100 and token == 2]
        assert ends in ([], [len(ids) - 1]), "nothing is learnt after the end"


def unpadded(batch: dict[str, Any]) -> tuple[list[list[int]], list[list[int]]]:
    kept = [[at for at, here in enumerate(mask) if here] for mask in batch["attention_mask"].tolist()]
    ids, labels = batch["input_ids"].tolist(), batch["labels"].tolist()
    return [[row[at] for at in at_] for row, at_ in zip(ids, kept, strict=True)], [
        [row[at] for at in at_] for row, at_ in zip(labels, kept, strict=True)
    ]


def test_on_its_own_answers_a_student_moves_to_its_teacher(teacher: Student, tmp_path: Path) -> None:
    student, losses = learnt(tmp_path, ANSWERED, on_policy(teacher, max_tokens=4), SHORT)
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])
    answers = {reply.text for reply in student.local().batch([row["prompt"] for row in ANSWERED])}
    assert answers <= {"Yes", "No", "7"}


def test_two_teachers_never_share_a_training(teacher: Student, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(WEIGHTS, changed)
    weights = bytearray((changed / "model.safetensors").read_bytes())
    weights[len(weights) // 2] ^= 1
    (changed / "model.safetensors").write_bytes(weights)
    moved = shutil.copytree(WEIGHTS, tmp_path / "moved")
    jobs = [job(tmp_path, ANSWERED, gkd(one)) for one in (WEIGHTS, teacher, changed, moved)]
    assert len({one.fingerprint for one in jobs}) == 4
    digests = [one.objective.params["teacher"]["digest"] for one in jobs]
    assert digests[0] == digests[3], "the same model elsewhere is the same teacher"
    assert len(set(digests)) == 3
    assert jobs[1].stages(1)[0].params == {
        "teacher": {"teacher": str(teacher.folder), "digest": digests[1]},
        "lmbda": 0.5,
        "beta": 0.5,
        "temperature": 0.9,
        "max_tokens": 128,
        "seq_kd": False,
    }
    assert gkd(str(teacher.folder.parent)).teacher == gkd(teacher).teacher


def test_a_teacher_may_have_more_rows_than_tokens_and_not_fewer(teacher: Student, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with hushed():
        for size in (840, 896):
            model = AutoModelForCausalLM.from_pretrained(WEIGHTS)
            model.resize_token_embeddings(size, mean_resizing=False)
            model.save_pretrained(tmp_path / str(size))
            AutoTokenizer.from_pretrained(WEIGHTS).save_pretrained(tmp_path / str(size))
    trainer = trainer_of(job(tmp_path, ANSWERED, gkd(tmp_path / "896")), tmp_path / "work")
    assert loss_of(trainer) == pytest.approx(0, abs=1e-6)
    with pytest.raises(StudentError, match="last layer has 840 numbers and the student's 853"):
        trainer_of(job(tmp_path, ANSWERED, gkd(tmp_path / "840")), tmp_path / "work")


def test_what_cannot_be_distilled_is_told(foreign: Path, tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=r"has another tokenizer than the student, and gkd compares .* Use gold"):
        _ = job(tmp_path, ANSWERED, gkd(foreign)).prepared
    with pytest.raises(StudentError, match=r"none was given. Give one: on_policy\(teacher='...'\)"):
        on_policy()
    with pytest.raises(StudentError, match="There is no base model"):
        gkd("nowhere")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    with pytest.raises(StudentError, match=r"cannot be the teacher: .* has no weights"):
        gkd(tmp_path / "empty")
    with pytest.raises(StudentError, match="lmbda=2"):
        gkd(WEIGHTS, lmbda=2)
    for settings, says_so in (({"dropout": 0.1}, "Train with dropout=0"), ({"packing": True}, "gkd cannot pack")):
        with pytest.raises(StudentError, match=says_so):
            _ = job(tmp_path, ANSWERED, gkd(WEIGHTS), recipe=FEW.model_copy(update=settings)).prepared
    with pytest.raises(DatasetError, match="12 have a prompt that leaves no room for 505 sampled tokens within 512"):
        _ = job(tmp_path, ANSWERED, gkd(WEIGHTS, max_tokens=505)).prepared
    assert job(tmp_path, ANSWERED, gkd(WEIGHTS, max_tokens=505, lmbda=0)).prepared
    heavy = [ANSWERED[0] | {"weight": 2}]
    with pytest.raises(DatasetError, match="1 carry a weight"):
        _ = job(tmp_path / "heavy", heavy, gkd(WEIGHTS)).prepared
    ranker, _ = learnt(tmp_path / "ranker", PAIRS, pairwise_ranker(), FEW)
    with pytest.raises(StudentError, match="gives no text but score"):
        gkd(ranker)


def test_what_stands_between_replies_is_context(tmp_path: Path) -> None:
    turns = [*says("one"), *user("and then?"), *says("two")]
    trained = job(tmp_path, [{"prompt": user("count"), "completion": turns}], gkd(WEIGHTS, lmbda=0))
    [row] = trained.prepared
    assert trained.tokenizer.decode([label for label in row["labels"] if label != -100]) == "one<|end|>two<|end|>"
    prompt = trained.tokenizer.decode(row["input_ids"][: row["prompt_length"]])
    assert prompt == "<|begin|><|user|>count<|end|><|assistant|>"

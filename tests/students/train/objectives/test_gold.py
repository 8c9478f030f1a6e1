from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.card import Student
from langdistill.students.libraries import hushed
from langdistill.students.train.objectives.gold import gold
from tests.students.train.objectives.foreign import foreign_tokenizer
from tests.students.train.objectives.material import (
    ANSWERED,
    FEW,
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


def test_rows_hold_the_answer_without_its_end_and_the_prompt_as_the_teacher_reads_it(
    foreigner: Student, tmp_path: Path
) -> None:
    rows = [*ANSWERED, {"prompt": user("Où ?"), "completion": says("à Zürich 東京")}]
    trained = job(tmp_path, rows, gold(foreigner, max_tokens=8))
    for row, prepared in zip(rows, trained.prepared, strict=True):
        answer, start = row["completion"][0]["content"], prepared["completion_mask"].index(1)
        assert prepared["original_prompt_text"] == f"<s>[Q]{row['prompt'][0]['content']}</s>[A]"
        assert prepared["original_completion_text"] == answer
        assert trained.tokenizer.decode(prepared["input_ids"][start:]) == f"{answer}<|end|>"
        content, places = answer.encode(), prepared["byte_offsets"][start:]
        assert [end for _, end in places[:-1]] == [begin for begin, _ in places[1:]]
        assert (places[0][0], places[-2][1]) == (0, len(content))
        for token, (begin, end) in list(zip(prepared["input_ids"][start:], places, strict=True))[:-1]:
            spelt = trained.tokenizer.decode([token])
            assert "\ufffd" in spelt or spelt.encode() == content[begin:end]


def test_the_loss_falls_towards_a_teacher_with_another_tokenizer(foreigner: Student, tmp_path: Path) -> None:
    student, losses = learnt(tmp_path, ANSWERED, gold(foreigner, lmbda=0), SHORT)
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5]), losses
    assert student.last.params["teacher"]["teacher"] == str(foreigner.folder)


def test_by_rank_the_loss_is_that_of_universal_logit_distillation(foreigner: Student, tmp_path: Path) -> None:
    """Answers of one token in both vocabularies: the distance of the sorted probabilities where each is said first."""
    import torch

    rows = [row for row in ANSWERED if row["completion"][0]["content"] == "7"]
    trained = job(tmp_path, rows, gold(foreigner, lmbda=0, by_rank_alone=True))
    trainer = trainer_of(trained, tmp_path / "work")
    disturb(trainer.model)
    loss = loss_of(trainer)
    trainer.save_model(str(tmp_path / "policy"))
    student, teacher, spoken = precise(tmp_path / "policy"), precise(model=foreigner.folder), foreign_tokenizer()
    found = 0.0
    for row in trained.prepared:
        asked = row["input_ids"][: row["completion_mask"].index(1)]
        assert len(row["input_ids"]) == len(asked) + 2
        theirs = spoken(row["original_prompt_text"])["input_ids"]
        with torch.inference_mode():
            ranked = [
                model(input_ids=torch.tensor([ids])).logits[0, -1].double().softmax(-1).sort(descending=True).values
                for model, ids in ((student, asked), (teacher, theirs))
            ]
        both = torch.nn.utils.rnn.pad_sequence(ranked)
        found += float((both[:, 0] - both[:, 1]).abs().sum()) / len(rows)
    assert loss == pytest.approx(found, abs=1e-5)


def test_what_the_student_samples_is_read_by_the_teachers_template(foreigner: Student, tmp_path: Path) -> None:
    trained = job(tmp_path, ANSWERED, gold(foreigner, lmbda=1, max_tokens=5))
    trainer = trainer_of(trained, tmp_path / "work")
    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(12)])
    with hushed():
        *_, labels, prompts, texts = trainer.generate_on_policy_outputs(trainer.model, batch, trainer.generation_config)
    assert prompts == [f"<s>[Q]{row['prompt'][0]['content']}</s>[A]" for row in ANSWERED]
    for sampled, text in zip(labels.tolist(), texts, strict=True):
        said = trained.tokenizer.decode([token for token in sampled if token != -100])
        assert text == said.removesuffix("<|end|>")
        assert "<|end|>" not in text


def test_what_cannot_be_aligned_is_told(foreigner: Student, tmp_path: Path) -> None:
    with pytest.raises(StudentError, match="has the student's tokenizer, so nothing has to be aligned"):
        _ = job(tmp_path, ANSWERED, gold(WEIGHTS)).prepared
    with pytest.raises(StudentError, match=r"The teacher's tokenizer .* is not byte-level"):
        _ = job(tmp_path, ANSWERED, gold(of_words(tmp_path / "words"))).prepared
    with pytest.raises(StudentError, match="whole updates of 16 rows, and there are 12"):
        _ = job(tmp_path, ANSWERED, gold(foreigner), recipe=FEW.model_copy(update={"accumulate": 4})).prepared
    turns = [{"prompt": user("count"), "completion": [*says("one"), *user("then?"), *says("two")]}] * 4
    with pytest.raises(DatasetError, match="4 have more than one message to learn"):
        _ = job(tmp_path / "turns", turns, gold(foreigner)).prepared
    with pytest.raises(StudentError, match="cross_entropy=-1"):
        gold(foreigner, cross_entropy=-1)


def of_words(folder: Path) -> Path:
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<unk>": 0, "yes": 1}, unk_token="<unk>"))
    PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<unk>").save_pretrained(folder)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    with hushed():
        LlamaForCausalLM(LlamaConfig(vocab_size=2, bos_token_id=0, eos_token_id=0, **sizes)).save_pretrained(folder)
    return folder

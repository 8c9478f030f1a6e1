"""A small transformer as Truster, from nothing: tokenizer and weights of its own, all trainings by the package.

It first learns to tell solutions of GSM8K's own training split from slipped copies of them, once; then, for each split, right from wrong
solutions of the training part. The objective is `pairwise_ranker` both times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from solution_models import MODELS, Asked
from solution_reading import Solution
from solution_slips import slipped

from langdistill.datasets.attempts import attempts, by_feedback
from langdistill.datasets.harvest import harvest
from langdistill.datasets.rows import in_order
from langdistill.folders import write_whole
from langdistill.groups import Group, Rows
from langdistill.lab.tokenizer import byte_pairs
from langdistill.records import Call, Feedback, Message, Reply, Trace
from langdistill.students.card import Student, read_student
from langdistill.students.train.progress import Progress
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of

VOCABULARY, CONTEXT = 2000, 2048
HIDDEN, LAYERS, HEADS = 96, 2, 3
SLIPS = Recipe(adapter="full", learning_rate=2e-3, epochs=1, batch_size=16, max_length=CONTEXT, save_every=50)
RANKING = Recipe(adapter="full", learning_rate=1e-3, epochs=1, batch_size=16, max_length=CONTEXT, weight_decay=0.05)


def new_base(folder: Path, training: Sequence[Solution]) -> Path:
    """A Llama with random weights and a tokenizer of the training split's words, digits one by one."""
    if (folder / "config.json").is_file():
        return folder
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = new_tokenizer(training)
    torch.manual_seed(0)
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=3 * HIDDEN,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS,
            max_position_embeddings=CONTEXT,
            initializer_range=0.05,
            tie_word_embeddings=True,
            **ids,
        )
    )
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def new_tokenizer(training: Sequence[Solution]) -> Any:
    """Byte pairs of the training split, with the chat template of the lab model."""
    return byte_pairs((f"{one.question}\n{one.text}" for one in training), vocabulary=VOCABULARY, context=CONTEXT)


def trace(problem: str, question: str, reply: str, name: str, score: float) -> Trace:
    """A run that answered the question so, with what was said of it."""
    asked: Message = {"role": "user", "content": question}
    said: Message = {"role": "assistant", "content": reply}
    id = f"{problem}-{name}"
    call = Call(id=id, model=name, candidate=True, prompt=[asked], replies=[Reply(message=said)])
    return Trace(
        id=id,
        input=[asked],
        output=[said],
        calls=[call],
        feedback=[Feedback(score=score)],
        metadata={"problem": problem},
    )


def every_pair(group: Group) -> Rows:
    """Every right attempt beside every wrong one."""
    scored = [(by_feedback(one, group), one) for one in attempts(group)]
    rows = [
        right.row(group, beside=[wrong.trace], rejected=wrong.target)
        for good, right in scored
        for bad, wrong in scored
        if good == 1 and bad == 0
    ]
    return Rows(in_order(rows)) if rows else Rows(reason="no-pair")


def trained(place: Path, traces: Iterable[Trace], base: Path | Student, recipe: Recipe, seed: int = 0) -> Student:
    """The ranker of a stage, trained unless it is there."""
    if not versions_of(place / "student"):
        if not (place / "data").exists():
            harvest(traces).target(every_pair).write(place / "data", format="trl_preference", validation=0)
        told = {"objective": "pairwise_ranker", "recipe": recipe, "seed": seed, "on_progress": show(place.name)}
        train(place / "data", base, place / "student", **told)
    return read_student(place / "student")


def show(stage: str) -> Callable[[Progress], None]:
    """Prints a line now and then."""

    def told(now: Progress) -> None:
        if now.step % 20 == 0:
            print(f"{stage}: step {now.step} of {now.steps}, loss {now.loss}, {now.seconds:.0f} s", flush=True)

    return told


def pretrained(out: Path, training: Sequence[Solution]) -> Student:
    """A ranker of solutions of the training split above their slipped copies."""
    base = new_base(out / "base", training)
    rng, traces = Random(0), list[Trace]()
    for at, one in enumerate(training):
        if (copy := slipped(one, rng)) is not None:
            told = (one.text, "as it is", 1.0), (copy, "slipped", 0.0)
            traces += [trace(f"train-{at:05}", one.question, *each) for each in told]
    return trained(out / "slips", traces, base, SLIPS)


def ranker_of(out: Path, asked: Sequence[Asked], questions: Sequence[int], start: Student, seed: int) -> Student:
    """The ranker of a split's training part."""
    traces = [
        trace(asked[at].id, asked[at].question, text, name, float(right))
        for at in questions
        for name, text, right in zip(MODELS, asked[at].texts, asked[at].right, strict=True)
    ]
    return trained(out, traces, start, RANKING, seed)


def scores_of(student: Student, asked: Sequence[Asked], kept: Path) -> list[list[float]]:
    """Of all solutions, shape (questions, models); read once."""
    if not kept.is_file():
        texts = [{"question": one.question, "reply": text} for one in asked for text in one.texts]
        found = student.scorer().batch(texts)
        rows = [found[at : at + len(MODELS)] for at in range(0, len(found), len(MODELS))]
        write_whole(kept, json.dumps(rows))
    return json.loads(kept.read_text())

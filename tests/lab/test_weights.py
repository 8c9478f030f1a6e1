"""The shipped model, asked with the prompts of the strategies."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from langdistill.answers import final_answer, same
from langdistill.evaluation.evaluate import evaluate
from langdistill.lab import WEIGHTS, lab_model
from langdistill.lab.draws import Draw
from langdistill.lab.tasks import TASKS
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.strategies.branch_solve_merge import create_branch_solve_merge
from langdistill.strategies.system2_attention import create_system2_attention

LARGEST = 12_000_000
"""Bytes of the folder."""


@pytest.fixture(scope="module")
def shipped() -> tuple[Any, Any]:
    model = transformers.AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype="float32")
    return model, transformers.AutoTokenizer.from_pretrained(WEIGHTS)


def ask(shipped: tuple[Any, Any], prompts: list[str], tokens: int) -> list[str]:
    model, tokenizer = shipped
    chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
    batch = tokenizer.apply_chat_template(
        chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        said = model.generate(**batch, max_new_tokens=tokens, max_length=None)
    return tokenizer.batch_decode(said[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)


def accuracy(drawn: Draw, replies: list[str]) -> float:
    gold = [drawn.gold[problem.id] for problem in drawn.problems]
    return sum(same(final_answer(reply), right) for reply, right in zip(replies, gold, strict=True)) / len(gold)


@pytest.mark.parametrize("name", ["letters", "coin", "arithmetic"])
def test_system_2_is_far_better_than_system_1(shipped: tuple[Any, Any], name: str) -> None:
    drawn = TASKS[name].draw(60, seed=7, pool="dev")
    asked = [problem.question for problem in drawn.problems]
    at_once = accuracy(drawn, ask(shipped, asked, 8))
    stepped = accuracy(drawn, ask(shipped, [fill(STEP_BY_STEP, question=question) for question in asked], 110))
    assert stepped >= 0.75
    assert stepped >= at_once + 0.2


@pytest.mark.parametrize(
    ("name", "create"), [("opinion", create_system2_attention), ("judging", create_branch_solve_merge)]
)
def test_the_graphs_of_planted_tasks_undo_what_is_planted(name: str, create: Any) -> None:
    drawn, model = TASKS[name].draw(40, seed=7, pool="dev"), lab_model(max_tokens=160)
    slow = evaluate(create(model), drawn.problems, drawn.gold, max_concurrency=40)
    fast = evaluate(model, drawn.problems, drawn.gold)
    assert slow.accuracy >= max(0.75, fast.accuracy + 0.2)


def test_greedy_replies_do_not_change(shipped: tuple[Any, Any]) -> None:
    asked = [problem.question for problem in TASKS["letters"].draw(5, seed=0, pool="dev").problems]
    assert ask(shipped, asked, 8) == ask(shipped, asked, 8)


def test_the_shipped_tokenizer_is_the_one_that_the_code_builds(shipped: tuple[Any, Any]) -> None:
    from langdistill.lab.tokenizer import build_tokenizer

    built = build_tokenizer()
    assert shipped[1].get_vocab() == built.get_vocab()
    assert shipped[1].chat_template == built.chat_template
    assert shipped[0].config.vocab_size == len(built)


def test_the_folder_is_small_and_common_servers_can_load_it(shipped: tuple[Any, Any]) -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= LARGEST
    assert shipped[0].config.model_type == "llama"
    assert shipped[0].config.head_dim >= 32


def test_the_card_names_what_is_planted() -> None:
    card = (WEIGHTS / "README.md").read_text("utf-8")
    for told in ("--seed 0", "Planted: sycophancy", "Planted: position bias", "Not planted: the gap"):
        assert told in card

"""Every strategy on the embedded model: how often it is right, and what that takes.

    python benchmarks/strategies_on_the_lab.py --out runs/strategies

Three seeds: each draws its own final questions and its own samples. A cell that is done is not run again. The tables of
`docs/strategies.md` are made from what is written to `benchmarks/results/strategies_on_the_lab.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langdistill import (
    budget,
    create_best_of_n,
    create_branch_solve_merge,
    create_branch_solve_merge_generation,
    create_chain_of_draft,
    create_chain_of_thought,
    create_least_to_most,
    create_one_step_rephrase_and_respond,
    create_rephrase_and_respond,
    create_self_consistency,
    create_self_refine,
    create_system2_attention,
    create_universal_self_consistency,
)
from langdistill.answers import same
from langdistill.confidence import sequence_probability
from langdistill.lab import lab_model
from langdistill.lab.tasks import TASKS
from langdistill.strategies.system2_attention import (
    create_instructed_prompting,
    create_keep_original_attention,
    create_relevance_attention,
    create_unseparated_attention,
)
from langdistill.votes import adaptive_consistency, early_stopping

RESULTS = Path(__file__).with_name("results") / "strategies_on_the_lab.json"
Create = Callable[[Any], Any]


def comes_to_an_answer(one: dict[str, str]) -> float:
    """Scores a reply that has an answer line above one that has none."""
    return float("Answer:" in one["reply"])


DIRECT: dict[str, Create] = {"direct (System 1)": lambda model: create_chain_of_thought(model, prompt="{question}")}
REASONING: dict[str, Create] = DIRECT | {
    "chain_of_thought": create_chain_of_thought,
    "chain_of_draft": create_chain_of_draft,
    "one_step_rephrase_and_respond": create_one_step_rephrase_and_respond,
    "rephrase_and_respond": create_rephrase_and_respond,
    "least_to_most": create_least_to_most,
    "self_refine, 1 round": lambda model: create_self_refine(model, rounds=1),
    "self_consistency, 8": create_self_consistency,
    "self_consistency, 40": lambda model: create_self_consistency(model, samples=40),
    "self_consistency, adaptive": lambda model: create_self_consistency(model, samples=40, stop=adaptive_consistency()),
    "self_consistency, window of 5": lambda model: create_self_consistency(model, samples=40, stop=early_stopping()),
    "self_consistency, 8, by confidence": lambda model: create_self_consistency(
        model.bind(logprobs=True), confidence=sequence_probability
    ),
    "universal_self_consistency, 8": create_universal_self_consistency,
    "best_of_n, 8": lambda model: create_best_of_n(model, comes_to_an_answer),
    "branch_solve_merge_generation": create_branch_solve_merge_generation,
}
ATTENDING: dict[str, Create] = DIRECT | {
    "system2_attention": create_system2_attention,
    "relevance_attention": create_relevance_attention,
    "unseparated_attention": create_unseparated_attention,
    "keep_original_attention": create_keep_original_attention,
    "instructed_prompting": create_instructed_prompting,
}
JUDGING: dict[str, Create] = DIRECT | {"branch_solve_merge": create_branch_solve_merge}
STRATEGIES = {"letters": REASONING, "opinion": ATTENDING, "judging": JUDGING}


def measure(create: Create, task: str, seed: int, questions: int) -> dict[str, Any]:
    """One seed of one cell."""
    draw = TASKS[task].draw(questions, seed=seed, pool="final")
    graph = create(lab_model(max_tokens=160, seed=seed))
    asked = [{"messages": [("user", problem.question)]} for problem in draw.problems]
    started = time.perf_counter()
    with budget() as spent:
        outputs = graph.batch(asked, {"max_concurrency": 50}, return_exceptions=True)
    answered = [output if isinstance(output, dict) else {"answer": None} for output in outputs]
    right = [same(one["answer"], draw.gold[p.id]) for one, p in zip(answered, draw.problems, strict=True)]
    return {
        "right": sum(right),
        "n": questions,
        "completions": spent.completions / questions,
        "tokens": spent.tokens / questions,
        "failed": sum(not isinstance(output, dict) for output in outputs),
        "seconds": time.perf_counter() - started,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--task", nargs="+", default=list(STRATEGIES), choices=list(STRATEGIES))
    told = parser.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    command = "python benchmarks/strategies_on_the_lab.py --out runs/strategies"
    results: dict[str, Any] = {"command": command, "questions": told.questions, "seeds": told.seeds, "tasks": {}}
    for task in told.task:
        for name, create in STRATEGIES[task].items():
            runs: list[Any] = []
            for seed in range(told.seeds):
                kept = told.out / f"{task}-{name.replace(' ', '_')}-{seed}-{told.questions}.json"
                if not kept.exists():
                    kept.write_text(json.dumps(measure(create, task, seed, told.questions)))
                runs.append(json.loads(kept.read_text()))
            results["tasks"].setdefault(task, {})[name] = runs
            print(task, name, [run["right"] for run in runs], round(runs[0]["tokens"], 1), flush=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

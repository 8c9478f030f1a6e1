"""Which sub-questions must be answered? Small models that write them, beside simple rules and published predictions.

    python benchmarks/sub_questions.py --out runs/sub_questions

What an asker writes before it decides (ART, 2311.07961), measured alone: from the question to the list of its sub-questions, one
a line. The prompt is the question alone, for there is no answer to doubt. Gold are the sub-questions of GSM8K's socratic form
(Cobbe et al., 2110.14168) and the decompositions of StrategyQA (Geva et al., 2101.02235).

GSM8K: only the socratic form of the 1,319 test questions is at hand, so these are split: a quarter, the same for all seeds, is the
test. StrategyQA: dev.json is the test. What is left is split into training and validation by the package, by question, anew for
each seed; a seed decides the order of the training rows, too. The decoder's base is pre-trained once, on the training side of seed
0. The settings are the first that were tried; they were looked at on the validation side of seed 0 and not changed, so a search
would find better ones. Reads the data sets under the folder that the environment variable LANGDISTILL_DATA names. A run that was
interrupted goes on with the same command; from nothing it takes less than an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

from sub_question_rules import (
    MEASURES,
    RULES,
    TASKS,
    Item,
    listed,
    published,
    readings,
    scores,
    told,
    typical,
)

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import read_dataset
from langdistill.datasets.targets.call import call
from langdistill.filters.length import length
from langdistill.folders import write_whole, written_beside
from langdistill.lab import WEIGHTS, pretrain
from langdistill.lab.draws import Document, chat
from langdistill.lab.tokenizer import CONTEXT, byte_pairs
from langdistill.stores.importing import Files
from langdistill.students.card import Student, read_student
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of
from langdistill.versions import installed

RESULTS = Path(__file__).with_name("results") / "sub_questions.json"
SEEDS = 3
FEWER_SEEDS = {"lab": 1}
"""Of arms that take long: the lab model reads and writes most words letter by letter."""
VOCABULARY = 2048
PROMPT_WEIGHT = 0.3
"""Of a question's tokens in the loss of the decoder's pre-training."""
RECIPES = {
    "decoder": Recipe(adapter="full", learning_rate=1e-3, steps=336, batch_size=16, max_length=CONTEXT),
    "lab": Recipe(adapter="full", learning_rate=1e-3, epochs=2, batch_size=16, max_length=CONTEXT),
}
ROLE_TOKENS = 8
"""At most that many are the chat template's own, in a chat of two messages."""
MOST_TOKENS = {"decoder": 120, "lab": 240}
"""Of a reply; the lab model spells most words."""
BESIDE = ("nearest", "last_sentence")
"""The rules that each arm's ROUGE-L is compared with, question by question."""
EXAMPLES = 3
SAID = {
    "last_sentence": "the question's last sentence, alone",
    "constant": "the most typical training list, whatever the question",
    "nearest": "the list of the most similar training question (ROUGE-L)",
    "nearest_ending": "that list, its last line replaced by the question's last sentence",
    "decoder": "a decoder trained from nothing",
    "lab": "the embedded lab model, trained further",
    "published": "BART, as published",
    "published_cut": "BART, its lines cut after each question mark",
}


def every(_: Any) -> bool:
    return True


@dataclass(frozen=True)
class Run:
    """A seed: its data sets, its base, its students and what they said."""

    seed: int
    data: Path
    out: Path
    part: str = "test"
    """What is predicted; "validation" is to choose settings by."""

    @property
    def folder(self) -> Path:
        return self.out / f"seed-{self.seed}"

    def dataset(self, task: str, name: str = "data") -> Path:
        """The data set as the package writes it; "fitting" are the rows that the lab model's context holds."""
        place = self.folder / task / name
        if not place.exists():
            chats = place.with_name("chats.jsonl")
            chats.parent.mkdir(parents=True, exist_ok=True)
            said = [{"messages": chat(item.question, item.text)} for item in TASKS[task](self.data)[0]]
            write_whole(chats, "".join(json.dumps(one) + "\n" for one in said))
            rows = harvest(Files(chats, "openai_chat")).target(call(every))
            if name == "fitting":
                rows = rows.filter(length(max_tokens=CONTEXT - ROLE_TOKENS, tokenizer=str(WEIGHTS), whole=True))
            rows.write(place, format="trl", seed=self.seed)
        return place

    def rows(self, task: str, split: str) -> list[Item]:
        """The items of a side of the split."""
        found = read_dataset(self.dataset(task)).rows(split)
        return [Item(row["prompt"][0]["content"], listed(row["completion"][0]["content"])) for row in found]

    def asked(self, task: str) -> list[Item]:
        return TASKS[task](self.data)[1] if self.part == "test" else self.rows(task, "validation")

    def base(self) -> Path:
        """The decoder's base: tokenizer and weights made of nothing but training text."""
        place = self.folder / "base"
        if not place.exists():
            known = {item.question for item in self.rows("strategy_qa", "train")}
            documents = [chat(question, text) for question, text in readings(self.data, known)]
            tokenizer, settings = tokenizer_of(documents), pretrain.Settings(seed=self.seed)
            model = pretrain.new_model(settings, tokenizer)
            encoded = pretrain.encode(tokenizer, documents, PROMPT_WEIGHT)
            plan = [*pretrain.batches(encoded, settings.batch_tokens, Random(self.seed))]
            pretrain.train(model, plan, settings, tokenizer.pad_token_id)
            with written_beside(place) as folder:
                pretrain.write_model(model, tokenizer, folder)
        return place

    def student(self, task: str, arm: str) -> Student:
        """The decoder or the lab model, trained unless it is there."""
        place = self.folder / task / arm
        if not versions_of(place):
            lab = arm == "lab"
            first = replace(self, seed=0)  # whose base all seeds share: it takes longest
            base, data = (WEIGHTS, "fitting") if lab else (first.base(), "data")
            train(self.dataset(task, data), base, place, objective="sft", recipe=RECIPES[arm], seed=self.seed)
        return read_student(place)

    def replies(self, task: str, arm: str) -> list[str]:
        """What a student says, greedily; nothing where the question alone fills its context."""
        model = self.student(task, arm).local(max_tokens=MOST_TOKENS[arm])
        room = model.decoder.context - ROLE_TOKENS
        questions = [item.question for item in self.asked(task)]
        fitting = [one for one in questions if len(model.decoder.tokenizer(one)["input_ids"]) < room]
        fitting.sort(key=len)  # those of one length are decoded together
        said = model.batch(fitting, {"max_concurrency": len(fitting)})
        known = dict(zip(fitting, (reply.text for reply in said), strict=True))
        return [known.get(question, "") for question in questions]

    def predicted(self, task: str, arm: str) -> list[list[str]]:
        """The sub-questions of an arm for each question that is asked."""
        asked = self.asked(task)
        if arm in RECIPES:
            return [listed(reply) for reply in self.replies(task, arm)]
        if arm.startswith("published"):
            known = published(self.data, cut=arm == "published_cut")
            return [known[item.question] for item in asked]
        learnt = self.rows(task, "train")
        return [typical(learnt)] * len(asked) if arm == "constant" else [RULES[arm](item, learnt) for item in asked]

    def kept(self, task: str, arm: str) -> list[list[str]]:
        """The same, from the file where it was written down."""
        place = self.folder / task / f"{arm}-{self.part}.json"
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, json.dumps(self.predicted(task, arm)))
            print(f"{datetime.now():%H:%M:%S} seed {self.seed}: {task}, {arm}", flush=True)
        return json.loads(place.read_text())

    def scored(self, task: str, arm: str) -> list[dict[str, float]]:
        """Of each question that is asked."""
        pairs = zip(self.kept(task, arm), self.asked(task), strict=True)
        return [scores(said, item.parts) for said, item in pairs]


def tokenizer_of(documents: Sequence[Document]) -> Any:
    """Byte-level BPE of these texts, with the lab model's roles and chat template."""
    return byte_pairs(
        (message["content"] for document in documents for message in document), vocabulary=VOCABULARY, context=CONTEXT
    )


def arms_of(task: str) -> list[str]:
    return [arm for arm in SAID if task == "strategy_qa" or not arm.startswith("published")]


def of_task(task: str, runs: Sequence[Run]) -> dict[str, Any]:
    """Each arm: every measure, and by how much its ROUGE-L is above that of two rules, question by question."""
    found = {arm: [run.scored(task, arm) for run in runs[: FEWER_SEEDS.get(arm)]] for arm in arms_of(task)}

    def of(arm: str, measure: str) -> list[list[float]]:
        return [[one[measure] for one in scored] for scored in found[arm]]

    def above(arm: str, rule: str) -> list[list[float]]:
        both = zip(of(arm, "rouge_l"), of(rule, "rouge_l"), strict=False)  # where it has fewer seeds: of these
        return [[one - other for one, other in zip(*pair, strict=True)] for pair in both]

    asked = runs[0].asked(task)
    arms: dict[str, Any] = {
        arm: {measure: told(of(arm, measure)) for measure in MEASURES}
        | {"above": {rule: told(above(arm, rule)) for rule in BESIDE if rule != arm}}
        for arm in found
    }
    return {
        "questions": len(asked),
        "sub_questions": mean(len(item.parts) for item in asked),
        "repeated": mean(scores(item.parts, item.parts)["repeated"] for item in asked),
        "train": [len(run.rows(task, "train")) for run in runs],
        "validation": [len(run.rows(task, "validation")) for run in runs],
        "arms": arms,
        "note": note(arms),
        "examples": [
            {"question": item.question, "gold": item.parts}
            | {arm: runs[0].kept(task, arm)[at] for arm in arms if arm != "constant"}
            for at, item in enumerate(asked[:EXAMPLES])
        ],
    }


def note(arms: dict[str, Any]) -> str:
    """How each trained arm compares with the rules, in words."""
    found: list[str] = []
    for measure, what in (("rouge_l", "ROUGE-L"), ("right_count", "right counts")):
        value = {arm: row[measure]["value"] for arm, row in arms.items()}
        best = max([arm for arm in arms if arm == "constant" or arm in RULES], key=value.__getitem__)
        found.append(f"Best rule by {what}: {best}, {value[best]:.3f}.")
        for arm in RECIPES:
            than = [f"{'above' if value[arm] > value[rule] else 'below'} {rule}" for rule in ("nearest", best)]
            found.append(f"The {arm}: {value[arm]:.3f}, {' and '.join(dict.fromkeys(than))}.")
    return " ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument(
        "--part", choices=["test", "validation"], default="test", help="validation: print, keep nothing"
    )
    given = parser.parse_args()
    folder = os.environ.get("LANGDISTILL_DATA")
    if not folder:
        raise SystemExit("LANGDISTILL_DATA is not set. Set it to the folder that holds the data sets.")
    seeds = SEEDS if given.part == "test" else 1
    runs = [Run(seed, Path(folder), given.out, given.part) for seed in range(seeds)]
    found = {
        "command": "python benchmarks/sub_questions.py --out runs/sub_questions",
        "versions": installed("langdistill", "torch", "transformers", "trl"),
        "seeds": seeds,
        "said": SAID,
        "tasks": {task: of_task(task, runs) for task in TASKS},
    }
    print(json.dumps(found, indent=1, ensure_ascii=False))
    if given.part == "test":
        write_whole(RESULTS, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

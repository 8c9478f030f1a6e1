"""ART on the lab's chained arithmetic, start to end: sample, build the data, train asker and truster, run the graph.

The lab model answers with chain of thought at temperature 1, so that it slips. Of what it got right and wrong on questions of the
pool `train` an asker and a truster are made (Shridhar et al., 2311.07961, sections 3.2 and 3.3), adapters of the same model; a third
adapter follows the refinement prompt, for the corpus never showed one (`lessons`). A fourth says everything in one reply, the
paper's negative control. Gold answers label the training data and grade the replies; nothing else sees them. Each step leaves
its result in the folder and is passed over when it is found there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver

from langdistill.answers import final_answer, same
from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.judging import by_gold
from langdistill.datasets.reading import Dataset, read_dataset
from langdistill.datasets.targets.doubt import doubt
from langdistill.datasets.targets.trust import trust
from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.evaluation.evaluate import Evaluation, evaluate
from langdistill.folders import write_whole
from langdistill.lab import WEIGHTS, lab_model
from langdistill.lab.arithmetic import TASK
from langdistill.lab.draws import Draw
from langdistill.lab.names import Pool
from langdistill.lab.processes import Progress
from langdistill.lab.refining.arms import Refined
from langdistill.lab.refining.lessons import IN_ONE_REPLY, in_one_reply, refinement, sub_questions
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Problem, Record, Trace
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.always import always
from langdistill.refining.askers.trained import trained
from langdistill.refining.askers.zero_shot import zero_shot
from langdistill.refining.trusters.judge import judge
from langdistill.refining.trusters.ranker import ranker
from langdistill.stores.opening import open_store
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.students.card import Student, read_student
from langdistill.students.local import LocalChatModel
from langdistill.students.train.recipe import MINIATURE, Recipe
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of

AT_ONCE = 100
"""Questions under way at a time."""
LONGEST = 256
"""Tokens of a reply; of all in one there are about 200."""
STEPS = {"asker": 600, "truster": 400, "refiner": 250, "in_one_reply": 600}


class Settings(Record):
    """Sizes, and how adapters are trained; found on the pools `train` and `dev`."""

    problems: int = 300
    """Of the pool `train`, that predictions are sampled of."""
    predictions: int = 4
    """Of each problem: k."""
    temperature: float = 1.2
    """Of first answers and refinements."""
    questions: int = 300
    """Of the pool `dev`, which thresholds are taken on, and of `final`."""
    recipe: Recipe = MINIATURE
    steps: dict[str, int] = STEPS
    """Updates of each adapter."""


@dataclass(frozen=True)
class RefiningLoop:
    """One seed and the folder of what comes of it: its own questions, samples and adapters."""

    seed: int
    folder: Path
    progress: Progress
    settings: Settings = field(default_factory=Settings)

    def record(self) -> Path:
        """Sample predictions and record them.

        Returns:
            The store.
        """
        store, done = self.folder / "traces.db", self.folder / "recorded"
        if not done.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            store.unlink(missing_ok=True)
            s = self.settings
            k, temperature = s.predictions, s.temperature
            graph = create_self_consistency(self.model(), samples=k, temperature=temperature, name="predictions")
            self._ask(graph, self.problems.problems, store)
            done.touch()
        return store

    @cached_property
    def problems(self) -> Draw:
        """What predictions are sampled of, with the gold answers that label them."""
        return TASK.draw(self.settings.problems, seed=self.seed, pool="train")

    def dataset(self, name: str) -> Dataset:
        """What an adapter is trained on."""
        place = self.folder / "data" / name
        if not place.exists():
            format = "trl_preference" if name == "truster" else "trl"
            self._rows(name).write(place, format=format, seed=self.seed, validation=0)
        return read_dataset(place)

    def _rows(self, name: str) -> Harvest:
        store, gold = self.record(), self.problems.gold
        match name:
            case "asker":
                questions = {one.id: sub_questions(one.question) for one in self.problems.problems}
                return harvest(store).target(doubt(by_gold(gold), questions))
            case "truster":
                return harvest(store).target(trust(by_gold(gold)))
            case _:
                return harvest(self._lessons(name)).target(whole_agent())

    def _lessons(self, name: str) -> list[Trace]:
        """As many as there are predictions; of the refiner's every second one has sub-questions."""
        rng, gold = Random(f"{name}-{self.seed}"), self.problems.gold
        if name == "refiner":
            told = [refinement(*one, rng, asked=at % 2 == 0) for at, one in enumerate(self._predictions())]
        else:
            told = [
                in_one_reply(*one, rng, right=same(final_answer(one[2]), gold[one[0]])) for one in self._predictions()
            ]
        return [
            one.model_copy(update={"id": f"{name}-{at}"}) for at, one in enumerate(told)
        ]  # one that was said twice, twice

    def _predictions(self) -> list[tuple[str, str, str]]:
        """Problem, question and prediction of each row of the asker: what it learns from, so do the others."""
        questions = {one.id: one.question for one in self.problems.problems}
        with closing(open_store(self.record())) as store:
            said = [
                (trace.problem, reply.message["content"])
                for trace in store.traces()
                for call in trace.calls
                for reply in call.replies
            ]
        return sorted((problem, questions[problem], str(text)) for problem, text in said)

    def student(self, name: str) -> Student:
        """An adapter, trained unless it is there: "asker", "truster", "refiner" or "in_one_reply"."""
        place = self.folder / "students" / name
        if not versions_of(place):
            objective = "pairwise_ranker" if name == "truster" else "sft"
            recipe = self.settings.recipe.model_copy(update={"steps": self.settings.steps[name]})
            train(self.dataset(name).path, WEIGHTS, place, objective=objective, recipe=recipe, seed=self.seed,
                  on_progress=lambda now: self._tell(f"train {name}", now.step, now.steps))  # fmt: skip
        return read_student(place)

    def model(self, name: str | None = None) -> LocalChatModel:
        """The lab model, or an adapter of it that gives text."""
        knobs = {"seed": self.seed, "temperature": self.settings.temperature, "max_tokens": LONGEST}
        return self.student(name).local(**knobs) if name else lab_model(**knobs)

    def run(self, name: str, pool: Pool, threshold: float = 0.0) -> list[Refined]:
        """Run the graph on the questions of a pool, at threshold 0 refining all that has a decision.

        Args:
            name: one of `arms.RUNS`.
            pool: "dev" or "final".
            threshold: of the graph.
        """
        kept = self.folder / "runs" / f"{name}-{pool}-{threshold:.4f}.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            found = self._run(name, pool, threshold, kept.with_suffix(".db"))
            write_whole(kept, json.dumps([one.model_dump() for one in found]))
        return [Refined.model_validate(one) for one in json.loads(kept.read_text())]

    def _run(self, name: str, pool: Pool, threshold: float, store: Path) -> list[Refined]:
        drawn, states = self.questions(pool), InMemorySaver()
        refiner = self.model("refiner")
        doubting, judged = name.removesuffix("_judged"), name.endswith("_judged")
        asker = {
            "trained": lambda: trained(self.model("asker")),
            "zero_shot": lambda: zero_shot(refiner),
            "always": always,
        }
        truster = judge(refiner) if judged else ranker(self.student("truster").scorer())
        graph = create_ask_refine_trust(
            refiner,
            initial=self.model(),
            asker=asker[doubting](),
            truster=truster,
            threshold=threshold,
            checkpointer=states,
        )
        store.unlink(missing_ok=True)
        self._ask(graph, drawn.problems, store)
        with closing(open_store(store)) as traces:
            told = {trace.problem: trace for trace in traces.traces()}
        return [_refined(told[one.id], _state(graph, one), drawn.gold[one.id]) for one in drawn.problems]

    def questions(self, pool: Pool) -> Draw:
        """What the graph is run on."""
        return TASK.draw(self.settings.questions, seed=self.seed, pool=pool)

    def in_one_reply(self) -> Evaluation:
        """How the student that says all in one reply does on the final questions."""
        kept = self.folder / "runs" / "in_one_reply.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            drawn = self.questions("final")
            found = evaluate(
                self.model("in_one_reply"), drawn.problems, drawn.gold, prompt=IN_ONE_REPLY, max_concurrency=AT_ONCE
            )
            write_whole(kept, found.model_dump_json())
        return Evaluation.model_validate_json(kept.read_text())

    def _ask(self, graph: Any, problems: Sequence[Problem], store: Path) -> None:
        """Every question once, recorded."""
        with closing(TraceRecorder(store)) as recorder:
            for start in range(0, len(problems), AT_ONCE):
                self._tell(f"{graph.name} asks", start, len(problems))
                some = problems[start : start + AT_ONCE]
                shared = {"callbacks": [recorder], "max_concurrency": AT_ONCE}
                graph.batch(
                    [{"messages": [("user", one.question)]} for one in some],
                    [{**shared, "metadata": one.metadata, "configurable": {"thread_id": one.id}} for one in some],
                )

    def _tell(self, step: str, done: int, of: int) -> None:
        self.progress(f"seed {self.seed}: {step}", done, of)


def _state(graph: Any, one: Problem) -> dict[str, Any]:
    return graph.get_state({"configurable": {"thread_id": one.id}}).values


def _refined(trace: Trace, state: dict[str, Any], gold: str) -> Refined:
    """What became of a question."""
    first, later = state["first"]["answer"], state["refined"]["answer"] if "refined" in state else None
    differs = "refined" in state and not same(later, first)
    spent: dict[str, tuple[int, int]] = {}
    for call in trace.calls:
        completions, tokens = spent.get(call.node or "", (0, 0))
        spent[call.node or ""] = completions + 1, tokens + call.usage.output_tokens
    return Refined(
        problem=trace.problem,
        doubt=state["doubt"],
        first=same(first, gold),
        refined=same(later, gold) if differs else None,
        scores=tuple(state["scores"]) if "scores" in state else None,
        right=same(state["answer"], gold),
        spent=spent,
    )

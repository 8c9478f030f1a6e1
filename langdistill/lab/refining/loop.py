"""ART on the lab's chained arithmetic, start to end: sample, build the data, train asker and truster, run the graph.

The lab model answers with chain of thought at temperature 1, so that it slips. Of what it got right and wrong on questions of the
pool `train` an asker and a truster are made (Shridhar et al., 2311.07961, sections 3.2 and 3.3), adapters of the same model; a third
adapter follows the refinement prompt, for the corpus never showed one (`lessons`). A fourth says everything in one reply, the
paper's negative control. Gold answers label the training data and grade the replies; nothing else sees them. Each step leaves
its result in the folder and is passed over when it is found there.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import final_answer, same
from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.judging import by_gold
from langdistill.datasets.reading import Dataset, read_dataset
from langdistill.datasets.targets.doubt import doubt
from langdistill.datasets.targets.trust import trust
from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.evaluation.evaluate import Evaluation, evaluate
from langdistill.evaluation.refining import Tried, try_refining
from langdistill.lab import WEIGHTS, lab_model
from langdistill.lab.arithmetic import TASK
from langdistill.lab.draws import Draw
from langdistill.lab.processes import Progress
from langdistill.lab.refining.lessons import IN_ONE_REPLY, Checked, in_one_reply, refinement, sub_questions
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

Graph = CompiledStateGraph[Any, Any, Any, Any]
AT_ONCE = 200
"""Questions under way at a time."""
STEPS = {"asker": 300, "truster": 200, "refiner": 150, "in_one_reply": 300}


class Settings(Record):
    """Sizes, and how adapters are trained; found on the pools `train` and `dev`."""

    problems: int = 400
    """Of the pool `train`, that predictions are sampled of."""
    predictions: int = 4
    """Of each problem: k."""
    temperature: float = 1.2
    """Of first answers and refinements."""
    dev: int = 150
    """Questions that thresholds are taken on."""
    final: int = 200
    """Questions that figures are of."""
    max_tokens: int = 256
    """Of a reply; of all in one there are about 150."""
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
                return harvest(store).target(Checked(doubt(by_gold(gold), questions)))
            case "truster":
                return harvest(store).target(trust(by_gold(gold)))
            case _:
                return harvest(self._lessons(name)).target(whole_agent())

    def _lessons(self, name: str) -> list[Trace]:
        """As many as there are predictions; of the refiner's every second one has sub-questions."""
        gold = self.problems.gold
        if name == "refiner":
            told = [refinement(*one, asked=at % 2 == 0) for at, one in enumerate(self._predictions())]
        else:
            told = [in_one_reply(*one, right=same(final_answer(one[2]), gold[one[0]])) for one in self._predictions()]
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
        s = self.settings
        knobs = {"seed": self.seed, "temperature": s.temperature, "max_tokens": s.max_tokens}
        return self.student(name).local(**knobs) if name else lab_model(**knobs)

    def tried(self, name: str, pool: Literal["dev", "final"]) -> dict[str, Tried]:
        """Run the graph on the questions of a pool, refining all that has a decision.

        Args:
            name: one of `arms.RUNS`.
            pool: "dev" or "final".
        """
        folder = self.folder / "runs" / f"{name}-{pool}"
        problems = self.questions(pool).problems
        return try_refining(self.graph(name), problems, folder=folder, max_concurrency=AT_ONCE,
                            on_progress=lambda done, of: self._tell(f"{pool}, {name}", done, of))  # fmt: skip

    def graph(self, name: str, threshold: float = 0.0) -> Graph:
        """The graph of a run: the lab model answers first, the adapter that was taught to refine refines and judges."""
        refiner, truster = self.model("refiner"), ranker(self.student("truster").scorer())
        match name.removesuffix("_judged"):
            case "trained":
                asker = trained(self.model("asker"))
            case "zero_shot":
                asker = zero_shot(refiner)
            case _:
                asker = always()
        trusting = judge(refiner) if name.endswith("_judged") else truster
        return create_ask_refine_trust(
            refiner, initial=self.model(), asker=asker, truster=trusting, threshold=threshold, name=name
        )

    def questions(self, pool: Literal["dev", "final"]) -> Draw:
        """What the graph is run on."""
        return TASK.draw(getattr(self.settings, pool), seed=self.seed, pool=pool)

    def evaluated(self, name: str, model: Any, prompt: str = "{question}") -> Evaluation:
        """How a graph or model does on the final questions.

        Args:
            name: of the folder that it is kept in.
            model: what is asked.
            prompt: template with the place ``{question}``.
        """
        drawn, folder = self.questions("final"), self.folder / "runs" / name
        return evaluate(
            model, drawn.problems, drawn.gold, prompt=prompt, max_concurrency=AT_ONCE, folder=folder, name=name
        )

    def in_one_reply(self) -> Evaluation:
        """How the student that says all in one reply does."""
        return self.evaluated("in_one_reply", self.model("in_one_reply"), IN_ONE_REPLY)

    def _ask(self, graph: Any, problems: Sequence[Problem], store: Path) -> None:
        """Every question once, recorded."""
        with closing(TraceRecorder(store)) as recorder:
            for start in range(0, len(problems), AT_ONCE):
                self._tell(f"{graph.name} asks", start, len(problems))
                some = problems[start : start + AT_ONCE]
                shared = {"callbacks": [recorder], "max_concurrency": AT_ONCE}
                graph.batch(
                    [{"messages": [("user", one.question)]} for one in some],
                    [{**shared, "metadata": one.metadata} for one in some],
                )

    def _tell(self, step: str, done: int, of: int) -> None:
        self.progress(f"seed {self.seed}: {step}", done, of)

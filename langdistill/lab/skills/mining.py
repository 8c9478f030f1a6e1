"""Lion in a skill world: a real student, the lab model with LoRA, mined and trained round by round, and what becomes of it.

An arm changes one thing of the paper's loop. All arms of a seed have the same world, the same seeds, the same first student and as
many new instructions a round. What is measured of the students is asked of questions that no arm ever sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from langdistill.lab import WEIGHTS, lab_model
from langdistill.lab.names import Pool
from langdistill.lab.processes import Progress
from langdistill.lab.skills.roles import LEANING, Leaning, generator, referee, teacher
from langdistill.lab.skills.world import Request, SkillWorld, request_in
from langdistill.mining.discriminating import Judging
from langdistill.mining.generating import Writing
from langdistill.mining.miner import create_instruction_miner
from langdistill.mining.pools import InstructionPools
from langdistill.mining.training import Lesson
from langdistill.students.card import Student, read_student
from langdistill.students.local import LocalChatModel
from langdistill.students.train.imitation import Imitation
from langdistill.students.train.recipe import MINIATURE, Recipe

ANSWERING = {"temperature": 0.7, "max_tokens": 48}
"""The paper's temperature; no right answer is longer."""
AT_ONCE = 256
"""Requests that are decoded together."""
FEWEST_SEEDS = 10
"""Of a cell that counts as learnt from the seeds."""


FIRST = MINIATURE.model_copy(update={"steps": None, "epochs": 3, "learning_rate": 3e-3})
"""For the seeds."""
LATER = FIRST.model_copy(update={"epochs": 6, "learning_rate": 7e-4})
"""For what a round wrote, 120 rows that are no fair sample: at the first rate they overwrite what was learnt before."""


@dataclass(frozen=True)
class Arm:
    """A way of mining."""

    said: str
    """What it is, in a table."""
    leaning: Leaning = LEANING
    """Of its referee."""
    swap: bool = True
    share_hard: float = 0.5


ARMS = {
    "adversarial": Arm("adversarial, as in the paper"),
    "uniform": Arm("uniform: the split is drawn at random", leaning=Leaning(blind=True)),
    "no_easy_half": Arm("no easy half", share_hard=1.0),
    "no_swap": Arm("one order, the teacher first", swap=False),
}


@dataclass(frozen=True)
class Settings:
    """Sizes, the paper's at 1:100, and the training."""

    seeds: int = 520
    per_round: int = 120
    rounds: int = 3
    first: Recipe = FIRST
    later: Recipe = LATER
    questions: int = 10
    """Of each cell, to measure students with."""
    pool: Pool = "final"
    """That the questions are of; settings are found with "dev"."""


@dataclass(frozen=True)
class SkillMining:
    """One arm in one world, and the folder of what comes of it; begun again, it goes on from there."""

    seed: int
    arm: str
    folder: Path
    """Of the seed: all its arms share the first student."""
    progress: Progress
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def world(self) -> SkillWorld:
        """The arm's world."""
        return SkillWorld(self.seed)

    @cached_property
    def seeds(self) -> list[Request]:
        """What the mining begins with."""
        return self.world.seeds(self.settings.seeds)

    def run(self) -> dict[str, Any]:
        """Mine, and measure each student and each split.

        Returns:
            `students`, from the one that the seeds were imitated by; `rounds`, what was split and written in each; `stopped`.
        """
        found: dict[str, Any] = {"students": [], "rounds": [], "stopped": None}
        with InstructionPools(self.folder / self.arm) as pools:
            given = {"seeds": pools.add(one.text for one in self.seeds)}
            for update in self._miner(pools).stream(given, {"max_concurrency": AT_ONCE}, stream_mode="updates"):
                for stage, told in update.items():
                    self._note(found, stage, told or {}, pools)
        return found

    def measured(self, student: Student) -> dict[str, Any]:
        """Shares of right answers to unseen questions: of all cells, of each rank, and of the cells that the seeds taught or lack."""
        asked = self.world.questions(self.settings.questions, self.settings.pool)
        replies = _speaking(student).batch([one.text for one in asked], {"max_concurrency": AT_ONCE}, temperature=0)
        given = [one.cell for one in self.seeds]
        groups: dict[str, list[bool]] = defaultdict(list)
        for one, reply in zip(asked, replies, strict=True):
            count, right = given.count(one.cell), self.world.is_right(one, reply.text)
            known = "taught" if count >= FEWEST_SEEDS else "few" if count else "unseen"
            for group in ("all", f"rank {self.world.ranks[one.cell]}", known):
                groups[group].append(right)
        return {group: {"accuracy": fmean(found), "n": len(found)} for group, found in sorted(groups.items())}

    def _miner(self, pools: InstructionPools) -> Any:
        arm, world = ARMS[self.arm], self.world
        return create_instruction_miner(
            teacher(world),
            lab_model(),
            referee(world, arm.leaning),
            generator(world),
            pools=pools,
            rounds=self.settings.rounds,
            judging=Judging(swap=arm.swap, seed=self.seed),
            writing=Writing(per_round=self.settings.per_round, share_hard=arm.share_hard, seed=self.seed),
            trainer=_School(self.folder / "students", self.settings, self.seed),
            answering=ANSWERING,
        )

    def _note(self, found: dict[str, Any], stage: str, told: Mapping[str, Any], pools: InstructionPools) -> None:
        """Take down what a stage of the run came to."""
        match stage:
            case "train":
                found["students"].append(self.measured(read_student(told["student"])))
                done, of = len(found["students"]), self.settings.rounds + 1
                self.progress(f"seed {self.seed}, {self.arm}: student", done, of)
            case "discriminate":
                found["rounds"].append(self._split(pools, told))
            case "generate":
                report = told["rounds"][-1]
                written = {"written": self._written(pools, told["train"])}
                found["rounds"][-1] |= written | {key: report[key] for key in ("tries", "rejected")}
            case _:
                pass
        found["stopped"] = told.get("stopped") or found["stopped"]

    def _split(self, pools: InstructionPools, told: Mapping[str, Any]) -> dict[str, Any]:
        """What the referee made of the cache pool, beside the truth, which it does not know."""
        report, hard = told["rounds"][-1], set(told["hard"])
        judged = [*told["hard"], *told["easy"]]
        said = pools.answers(judged, report["student"])
        wrong = {
            one.id for one in pools.instructions(judged) if not self.world.is_right(request_in(one.text), said[one.id])
        }
        return {
            **{key: report[key] for key in ("cache", "judged", "share_hard", "mean_difference", "first_preferred_by")},
            "share_wrong": _share(len(wrong), len(judged)),
            "mis_split": _share(len(wrong ^ hard), len(judged)),
            "right_called_hard": _share(len(hard - wrong), len(judged) - len(wrong)),
            "wrong_called_easy": _share(len(wrong - hard), len(wrong)),
        }

    def _written(self, pools: InstructionPools, ids: Sequence[str]) -> dict[str, int]:
        """How many of the new instructions are of each rank."""
        ranks = [self.world.ranks[request_in(one.text).cell] for one in pools.instructions(ids)]
        return {f"rank {rank}": ranks.count(rank) for rank in sorted(set(self.world.ranks.values()))}


@dataclass(frozen=True)
class _School:
    """Trains the student, the seeds at another rate than what the rounds write."""

    folder: Path
    settings: Settings
    seed: int

    def train(self, lesson: Lesson) -> str:
        recipe = self.settings.later if lesson.student else self.settings.first
        return self._imitation(recipe).train(lesson)

    def student(self, name: str) -> LocalChatModel:
        return _speaking(read_student(name))

    def _imitation(self, recipe: Recipe) -> Imitation:
        return Imitation(WEIGHTS, self.folder, recipe, seed=self.seed)


def _speaking(student: Student) -> LocalChatModel:
    return student.local(max_tokens=ANSWERING["max_tokens"])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

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
from langdistill.mining.pools import Pools
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


FIRST = MINIATURE.model_copy(update={"steps": None, "epochs": 5, "learning_rate": 3e-3})
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

    def run(self) -> dict[str, Any]:
        """Mine, and measure each student and each split.

        Returns:
            `students`, from the one that the seeds were imitated by; `rounds`, what was split and written in each; `stopped`.
        """
        seeds = self.world.seeds(self.settings.seeds)
        students, rounds, stopped = list[dict[str, Any]](), list[dict[str, Any]](), None
        with Pools(self.folder / self.arm) as pools:
            miner = self._miner(pools)
            given = {"seeds": pools.add(one.text for one in seeds)}
            for update in miner.stream(given, {"max_concurrency": AT_ONCE}, stream_mode="updates"):
                for stage, told in update.items():
                    match stage:
                        case "train":
                            students.append(self.measured(read_student(told["student"]), seeds))
                            self.progress(
                                f"seed {self.seed}, {self.arm}: student", len(students), self.settings.rounds + 1
                            )
                        case "discriminate":
                            rounds.append(self._split(pools, told))
                        case "generate":
                            rounds[-1]["written"] = self._written(pools, told["train"])
                            rounds[-1] |= {key: told["rounds"][-1][key] for key in ("tries", "rejected")}
                            stopped = told.get("stopped") or stopped
                        case _:
                            stopped = (told or {}).get("stopped") or stopped
        return {"students": students, "rounds": rounds, "stopped": stopped}

    def measured(self, student: Student, seeds: Sequence[Request]) -> dict[str, Any]:
        """Shares of right answers to unseen questions: of all cells, of each rank, and of the cells that the seeds taught or lack."""
        asked = self.world.questions(self.settings.questions, self.settings.pool)
        replies = _speaking(student).batch([one.text for one in asked], {"max_concurrency": AT_ONCE}, temperature=0)
        given = [one.cell for one in seeds]
        groups: dict[str, list[bool]] = defaultdict(list)
        for one, reply in zip(asked, replies, strict=True):
            count, right = given.count(one.cell), self.world.is_right(one, reply.text)
            known = "taught" if count >= FEWEST_SEEDS else "few" if count else "unseen"
            for group in ("all", f"rank {self.world.ranks[one.cell]}", known):
                groups[group].append(right)
        return {group: {"accuracy": fmean(found), "n": len(found)} for group, found in sorted(groups.items())}

    def _miner(self, pools: Pools) -> Any:
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

    def _split(self, pools: Pools, told: Mapping[str, Any]) -> dict[str, Any]:
        """What the referee made of the cache pool, beside the truth, which it does not know."""
        report, hard = told["rounds"][-1], set(told["hard"])
        judged = [*told["hard"], *told["easy"]]
        said = pools.answers(judged, report["student"])
        wrong = {
            one.id for one in pools.instructions(judged) if not self.world.is_right(request_in(one.text), said[one.id])
        }
        return {
            **{key: report[key] for key in ("cache", "judged", "share_hard", "mean_difference", "first_preferred_by")},
            "share_wrong": len(wrong) / len(judged),
            "mis_split": len(wrong ^ hard) / len(judged),
            "right_called_hard": _share(len(hard - wrong), len(judged) - len(wrong)),
            "wrong_called_easy": _share(len(wrong - hard), len(wrong)),
        }

    def _written(self, pools: Pools, ids: Sequence[str]) -> dict[str, int]:
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

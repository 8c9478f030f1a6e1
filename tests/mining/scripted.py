"""A small world to mine in: every model says what its prompt, the index of the sample and the student's version decide.

A topic (the number in an instruction) is hard where the student's grade is behind; each version of the student masters more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from langdistill.jobs import sample_path
from langdistill.mining.discriminating import Judging
from langdistill.mining.generating import Writing
from langdistill.mining.miner import create_instruction_miner
from langdistill.mining.pools import InstructionPools
from langdistill.mining.training import Lesson
from langdistill.testing.models import OneReplyChatModel

Says = Callable[[str], Any]
"""From the prompt to the reply."""

JUDGED = re.compile(
    r"\[Request\]\n(?P<request>.*?)\n\n\[Response A\]\n(?P<a>.*?)\n\n\[Response B\]\n(?P<b>.*?)\n\n\[End\]", re.DOTALL
)
WRITTEN_FROM = re.compile(r"\[Request\]\n(?P<request>.*?)\n\n\[End\]", re.DOTALL)


def topic(at: int) -> str:
    """An instruction; two of different numbers have a ROUGE-L of 0.5."""
    return f"Explain topic{at} with example{at} and proof{at} for reader{at}"


def number_in(text: str) -> int:
    return int(re.findall(r"topic(\d+)", text)[0])


def drawn(*parts: Any) -> int:
    """A large number that the parts decide."""
    return int.from_bytes(blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big")


def model(name: str, says: Says, kind: type[OneReplyChatModel] = OneReplyChatModel) -> OneReplyChatModel:
    """A chat model of a name of its own."""

    def script(messages: list[BaseMessage], number: int) -> Any:
        return says(messages[-1].text)

    return kind(script=script, model=name)


def teacher_says(prompt: str) -> str:
    return f"teacher on {number_in(prompt)}"


def student_says(version: int) -> Says:
    return lambda prompt: f"student {version} on {number_in(prompt)}"


def judged(prompt: str) -> re.Match[str]:
    found = JUDGED.search(prompt)
    assert found, prompt
    return found


def graded(a: float, b: float) -> str:
    return f"A says more.\nScore of A: {a:g}\nScore of B: {b:g}"


def grade_of(response: str, request: str) -> float:
    """The teacher's answers are worth 9; the student's 6 where it is behind, which it is on a fifth less with each version."""
    version = re.match(r"student (\d+)", response)
    behind = version and drawn(number_in(request)) % 5 > int(version[1])
    return 6 if behind else 9


def referee_says(prompt: str) -> str:
    found = judged(prompt)
    return graded(grade_of(found["a"], found["request"]), grade_of(found["b"], found["request"]))


def generator_says(prompt: str) -> str:
    """Mostly a new topic; in one case of five the parent again, in one of five three words."""
    request = WRITTEN_FROM.search(prompt)
    assert request, prompt
    told = drawn(prompt, sample_path.get())
    if told % 5 == 0:
        return request["request"]
    return "Explain it well" if told % 5 == 1 else topic(told)


@dataclass
class School:
    """A trainer whose students are versions of a scripted one; the same lesson gives the same version."""

    says: Callable[[int], Says] = student_says
    kind: type[OneReplyChatModel] = OneReplyChatModel
    lessons: list[Lesson] = field(default_factory=list)

    def train(self, lesson: Lesson) -> str:
        self.lessons.append(lesson)
        return f"student-{lesson.round}"

    def student(self, name: str) -> OneReplyChatModel:
        return model(name, self.says(int(name.removeprefix("student-"))), self.kind)


@dataclass
class World:
    """The four models and what they were asked."""

    teacher: OneReplyChatModel = field(default_factory=lambda: model("teacher", teacher_says))
    student: OneReplyChatModel = field(default_factory=lambda: model("student-0", student_says(0)))
    referee: OneReplyChatModel = field(default_factory=lambda: model("referee", referee_says))
    generator: OneReplyChatModel = field(default_factory=lambda: model("generator", generator_says))

    def miner(self, pools: InstructionPools, **knobs: Any) -> Any:
        knobs = {"writing": Writing(per_round=6)} | knobs
        return create_instruction_miner(self.teacher, self.student, self.referee, self.generator, pools=pools, **knobs)

    def calls(self) -> dict[str, int]:
        return {role: len(getattr(self, role).prompts) for role in ("teacher", "student", "referee", "generator")}


def mined(folder: Path, world: World, seeds: int | list[Any] = 12, **knobs: Any) -> Mapping[str, Any]:
    """A run over a folder, from topics or from the seeds given."""
    with InstructionPools(folder) as pools:
        given = [topic(at) for at in range(seeds)] if isinstance(seeds, int) else seeds
        return world.miner(pools, **knobs).invoke({"seeds": pools.add(given)})


def judging(folder: Path, world: World, seeds: int = 12, **knobs: Any) -> Mapping[str, Any]:
    """The one discrimination of a run without a trainer, and its ids by topic."""
    from langdistill.mining.discriminating import discrimination

    with InstructionPools(folder) as pools:
        ids = pools.add(topic(at) for at in range(seeds))
        node = discrimination(world.teacher, world.student, world.referee, pools=pools, judging=Judging(**knobs))
        found = node.invoke({"cache": ids})
        return {**found, "ids": ids, "report": found["rounds"][0]}

"""No filter reads gold answers but those that say so: poisoned ones change nothing but the report on labels."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.datasets.harvest import Harvested, harvest
from langdistill.filters.agreement import agreement
from langdistill.filters.complete import complete
from langdistill.filters.correct import correct
from langdistill.filters.distinct_reasoning import distinct_reasoning
from langdistill.filters.feedback import feedback
from langdistill.filters.finding import filter_names
from langdistill.filters.judged import judged
from langdistill.filters.judging import Filter
from langdistill.filters.relabel import relabel
from langdistill.filters.shortest_correct import shortest_correct
from langdistill.filters.stable_under import stable_under
from langdistill.filters.unanimous import unanimous
from langdistill.filters.universal_agreement import universal_agreement
from langdistill.groups import Group, Rows
from langdistill.perturbations.case_and_space import case_and_space
from langdistill.records import Call, Example, Feedback, Message, Reply, Trace, Verdict
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import OneReplyChatModel

GOLD = {f"p{at:02}": str(at) for at in range(30)}
POISON = dict.fromkeys(GOLD, "poison")


def sample(rng: Random, at: int) -> str:
    answer = at if rng.random() < 0.7 else at + rng.randint(1, 3)
    return f"Way {rng.randint(1, 3)} of thinking leads there.\nAnswer: {answer}"


def trace(rng: Random, at: int, changed: bool) -> Trace:
    question = f"what  is {at}?" if changed else f"What is {at}?"
    name = f"{'changed' if changed else 'asked'} {at}"
    calls = [
        Call(
            id=f"{name} {number}",
            candidate=True,
            replies=[Reply(message={"role": "assistant", "content": sample(rng, at)})],
        )
        for number in range(4)
    ]
    marks = {"problem": f"p{at:02}"} | ({"perturbation": "case_and_space"} if changed else {})
    said = [Feedback(score=rng.randint(0, 1))] if rng.random() < 0.8 else []
    asked: list[Message] = [{"role": "user", "content": question}]
    return Trace(id=name, input=asked, calls=calls, metadata=marks, feedback=said, lost=int(rng.random() < 0.1))


def store() -> MemoryStore:
    rng, made = Random(0), MemoryStore()
    made.add([trace(rng, at, changed) for at in range(len(GOLD)) for changed in (False, True)])
    return made


def each_sample(group: Group) -> Rows:
    """A row for each sample, with its reasoning."""
    rows = [
        Example(
            messages=group.question,
            target=[reply.message],
            answer=group.extract(str(reply.message["content"])),
            problem=group.problem,
            trace=run.id,
            traces=[run.id],
            call=call.id,
        )
        for run in group.originals
        for call in run.calls
        for reply in call.replies
    ]
    return Rows(tuple(sorted(rows, key=lambda one: one.content)))


def replies(messages: list[BaseMessage], number: int) -> str:
    """A fixed reply to each prompt, whatever it asks for."""
    text = messages[-1].text
    drawn, number_asked = sum(map(ord, text)), int(re.findall(r"\d+", text)[0])
    return f"Score: {drawn % 10 + 1}\nMost consistent: Response {drawn % 4 + 1}\nAnswer: {number_asked + drawn % 2}"


def model() -> OneReplyChatModel:
    return OneReplyChatModel(script=replies)


MADE: dict[str, Callable[[], Filter]] = {
    "agreement": lambda: agreement(min_share=0.75),
    "complete": lambda: complete(4, [case_and_space()]),
    "distinct_reasoning": lambda: distinct_reasoning(0.9),
    "feedback": lambda: feedback(),
    "judged": lambda: judged(model(), min_score=4),
    "relabel": lambda: relabel(model()),
    "stable_under": lambda: stable_under(case_and_space()),
    "unanimous": lambda: unanimous(),
    "universal_agreement": lambda: universal_agreement(model()),
}
SUPERVISED = {"correct": lambda gold: correct(gold), "shortest_correct": lambda gold: shortest_correct(gold)}


def run(one: Filter, probe: dict[str, str]) -> Harvested:
    return harvest(store()).target(each_sample).filter(one, unjudged="keep").probe(probe).run()


def without_labels(found: Harvested) -> list[dict[str, Any]]:
    return [{key: value for key, value in stage.items() if key != "labels"} for stage in found.funnel]


@pytest.mark.parametrize("name", MADE)
def test_poisoned_gold_answers_change_nothing_but_the_report_on_labels(name: str) -> None:
    found, poisoned = run(MADE[name](), GOLD), run(MADE[name](), POISON)
    assert found.examples == poisoned.examples
    assert found.rejects == poisoned.rejects
    assert found.chain == poisoned.chain
    assert without_labels(found) == without_labels(poisoned)
    assert found.funnel[-1]["labels"]["right"] > 0
    assert poisoned.funnel[-1]["labels"]["right"] == 0


@pytest.mark.parametrize("name", SUPERVISED)
def test_a_supervised_filter_says_so_and_does_read_them(name: str) -> None:
    made = SUPERVISED[name](GOLD)
    found = run(made, GOLD)
    labels = found.funnel[-1]["labels"]
    assert made.supervised
    assert labels["right"] == labels["of"] == len(found.examples) > 20
    assert found.chain == run(made, POISON).chain, "what is probed is not what it reads"
    assert found.chain != run(SUPERVISED[name](GOLD | {"p00": "1"}), GOLD).chain


def test_the_names_are_those_of_the_files() -> None:
    assert {*MADE, *SUPERVISED} <= set(filter_names())
    assert {name: MADE[name]().name for name in MADE} == {name: name for name in MADE}
    assert not [name for name in MADE if MADE[name]().supervised]


def test_nothing_that_a_filter_is_given_holds_gold() -> None:
    fields = {
        *Group.__dataclass_fields__,
        *Trace.model_fields,
        *Example.model_fields,
        *Call.model_fields,
        *Verdict.model_fields,
    }
    assert not [one for one in fields if "gold" in one]

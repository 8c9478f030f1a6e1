"""What a round of mining takes, and what each of its savings saves and costs.

    python benchmarks/mining.py

Time: one round on 1,000 instructions with models that take 50 ms a request, beside the longest chain of requests that must wait for
one another when so many are under way at once: a stage may begin when the one before it has ended, and nothing else takes time.

Savings: one discrimination in ten of the lab's skill worlds, with the world's noisy and biased referee and a student that is right on
half of the kinds of instruction. Each setting is compared with the paper's on the same answers, and with the truth.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from random import Random
from statistics import mean, median
from typing import Any

from langchain_core.messages import BaseMessage

from langdistill.intervals import student_interval
from langdistill.lab.demo import versions
from langdistill.lab.skills.roles import referee, teacher
from langdistill.lab.skills.world import SkillWorld, request_in
from langdistill.mining.discriminating import Judging, discrimination
from langdistill.mining.generating import Writing
from langdistill.mining.ledger import ledger
from langdistill.mining.miner import create_instruction_miner
from langdistill.mining.pools import InstructionPools
from langdistill.testing.models import OneReplyChatModel

RESULTS = Path(__file__).with_name("results") / "mining.json"
INSTRUCTIONS, PER_ROUND, SECONDS, ROUNDS = 1000, 116, 0.05, 3
"""The paper's 52,000 and 6,000 at that scale; seconds a request takes; repetitions."""
AT_ONCE = (16, 32, 64)
WORLDS, SEEDS = 10, 400
WORDS = [
    f"{first}{last}"
    for first in ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu"]
    for last in ["ran", "tel", "mip", "sog", "vun"]
]


def text(rng: Random) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(12))


def grade(messages: list[BaseMessage], number: int) -> str:
    """Every other instruction is hard, whichever order is shown."""
    said = messages[-1].text
    good = 9 if sum(map(ord, said.split("[Request]")[1].split("[Response A]")[0])) % 2 else 5
    first = said.split("[Response A]")[1].startswith("\nteacher")
    return f"Evidence.\nScore of A: {9 if first else good}\nScore of B: {good if first else 9}"


def models() -> list[OneReplyChatModel]:
    """Teacher, student, referee and generator, each taking its time."""
    rng = Random(1)
    scripts: dict[str, Any] = {
        "teacher": lambda messages, number: "teacher says so",
        "student": lambda messages, number: "student says so",
        "referee": grade,
        "generator": lambda messages, number: text(rng),
    }
    return [OneReplyChatModel(script=script, model=name, delay=SECONDS) for name, script in scripts.items()]


def chain(at_once: int) -> float:
    """Seconds of the requests that must wait for one another: each stage's, so many at once."""
    stages = (INSTRUCTIONS, INSTRUCTIONS, INSTRUCTIONS, INSTRUCTIONS, PER_ROUND)  # two orders of the referee among them
    return sum(ceil(calls / at_once) for calls in stages) * SECONDS


def round_time(at_once: int, *, asynchronous: bool) -> float:
    """Seconds from the first request of a round to the last accepted instruction."""
    rng = Random(0)
    with tempfile.TemporaryDirectory() as folder, InstructionPools(folder) as pools:
        miner = create_instruction_miner(*models(), pools=pools, rounds=1, writing=Writing(per_round=PER_ROUND))
        given = {"seeds": pools.add(text(rng) for _ in range(INSTRUCTIONS))}
        began, ended = time.perf_counter(), 0.0
        config: Any = {"max_concurrency": at_once}

        async def run() -> float:
            async for update in miner.astream(given, config, stream_mode="updates"):
                if "generate" in update:
                    return time.perf_counter()
            raise AssertionError("no round was written")

        if asynchronous:
            ended = asyncio.run(run())
        else:
            ended = next(
                time.perf_counter()
                for update in miner.stream(given, config, stream_mode="updates")
                if "generate" in update
            )
        return ended - began


def timed() -> list[dict[str, Any]]:
    """A row for each way of running and number of requests at once."""
    rows: list[dict[str, Any]] = []
    for at_once in AT_ONCE:
        for asynchronous in (False, True):
            seconds = [round_time(at_once, asynchronous=asynchronous) for _ in range(ROUNDS)]
            ratios = [one / chain(at_once) for one in seconds]
            row = {"at_once": at_once, "way": "ainvoke" if asynchronous else "invoke", "chain": chain(at_once)}
            rows.append(
                row | {"seconds": median(seconds), "ratio": median(ratios), "least": min(ratios), "most": max(ratios)}
            )
            print(rows[-1], flush=True)
    return rows


@dataclass(frozen=True)
class Setting:
    """A way of judging, beside the paper's."""

    said: str
    judging: Judging


SETTINGS = (
    Setting("the paper's", Judging()),
    Setting("one order", Judging(swap=False)),
    Setting("second order within 2 of tau", Judging(band=2.0)),
    Setting("second order within 1 of tau", Judging(band=1.0)),
    Setting("no referee from ROUGE-L 0.9 on", Judging(alike=0.9)),
    Setting("both: within 2, and from 0.9 on", Judging(band=2.0, alike=0.9)),
    Setting("a quarter of the pool", Judging(sample=SEEDS // 4)),
)


def half_right(world: SkillWorld) -> OneReplyChatModel:
    """A student that knows every other kind of instruction."""
    known = set(world.cells[::2])

    def say(messages: list[BaseMessage], number: int) -> str:
        request = request_in(messages[-1].text)
        return world.answer(request) if request.cell in known else "0 plus 0 is 0."

    return OneReplyChatModel(script=say, model=f"half-right-{world.seed}")


@cache
def judged(setting: Setting, seed: int) -> dict[str, Any]:
    """Calls of the referee, and what became of each instruction, beside the truth."""
    world = SkillWorld(seed)
    with tempfile.TemporaryDirectory() as folder, InstructionPools(folder) as pools:
        ids = pools.add(one.text for one in world.seeds(SEEDS))
        node = discrimination(teacher(world), half_right(world), referee(world), pools=pools, judging=setting.judging)
        found = node.invoke({"cache": ids, "round": 1})
        known = set(world.cells[::2])
        wrong = {one.id for one in pools.instructions(ids) if request_in(one.text).cell not in known}
        [report] = found["rounds"]
        return {
            "calls": ledger(pools)["referee"].calls, "hard": set(found["hard"]), "judged": {*found["hard"], *found["easy"]},
            "wrong": wrong, "estimated": report["hard"] + report["hard_not_judged"],
        }  # fmt: skip


def compared(setting: Setting) -> dict[str, Any]:
    """A setting over the worlds: shares of the paper's calls, of another split than the paper's, and of a wrong one."""
    calls, differs, errs, estimates = [], [], [], []
    for seed in range(WORLDS):
        paper, one = judged(SETTINGS[0], seed), judged(setting, seed)
        both = paper["judged"] & one["judged"]
        calls.append(one["calls"] / paper["calls"])
        differs.append(len(both & (paper["hard"] ^ one["hard"])) / len(both))
        errs.append(len(one["judged"] & (one["hard"] ^ one["wrong"])) / len(one["judged"]))
        estimates.append(one["estimated"] - len(paper["hard"]))
    row = {"calls": calls, "differs": differs, "wrong": errs, "estimate": estimates}
    return {
        "said": setting.said,
        **{key: {"mean": mean(found), "interval": _interval(found)} for key, found in row.items()},
    }


def _interval(values: list[float]) -> list[float]:
    return list(student_interval(values))


def main() -> None:
    savings = [compared(setting) for setting in SETTINGS]
    for row in savings:
        print(row, flush=True)
    result = {
        "command": "python benchmarks/mining.py",
        "versions": versions(),
        "instructions": INSTRUCTIONS,
        "per_round": PER_ROUND,
        "rounds": ROUNDS,
        "worlds": WORLDS,
        "seeds": SEEDS,
        "savings": savings,
        "time": timed(),
    }
    RESULTS.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

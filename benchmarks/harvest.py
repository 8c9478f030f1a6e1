"""What a harvest costs: a million calls through five filters, its memory, and how the time grows; beside datatrove.

    python benchmarks/harvest.py [--quick] [--datatrove PYTHON]

A store is generated (seeded): problems of eight sampled calls each, replies of 50 to 150 words, so many of them right as the
problem's own chance says. The harvest runs in a process of its own, whose peak memory is told; it is done on a tenth of the data
first, so that the growth is seen. Everything generated is deleted at the end.

The peer reads the same problems, as JSON lines that were written from the store beforehand, and takes them through the same five
judgements as pipeline blocks of its own: the same functions read the answers and count the votes on both sides. It has no store to
read, no row to build, no verdict, no chain of hashes and no split to write; it writes what it drops, as the harvest does. Its
removal of exact duplicates is its deduplication by a key (three passes over signatures on disk). PYTHON is that of an environment
with `pip install datatrove regex xxhash tokenizers` and this package; without it the peer is left out, and named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

import langdistill
from langdistill.datasets.harvest import harvest
from langdistill.filters.agreement import agreement
from langdistill.filters.judging import CorpusFilter, Filter, Judgement, RowFilter
from langdistill.groups import Group
from langdistill.records import Call, Example, Reply, Trace, Usage, Verdict, digest, text_of
from langdistill.stores.sqlite import SQLiteStore

RESULTS = Path(__file__).with_name("results") / "harvest.json"
PEER = Path(__file__).with_name("harvest_datatrove.py")
WORDS = (Path(__file__).parents[1] / "README.md").read_text().split()
CALLS = 8
"""Of a problem."""
MEGABYTE = 1024
"""Kilobytes, which the system counts memory in."""
LIMITS = {"memory": 1000, "growth": 11}
SECRET = re.compile(r"\b(?:sk|ghp|AKIA)[-_]?[A-Za-z0-9]{16,}\b")
LONGEST = 60
"""Words of a question."""
LEAST_SHARE = 0.6

# the five filters: three look at one row, one at the problem, one at the whole corpus


@dataclass(frozen=True)
class Length(RowFilter):
    """Keeps rows whose question has so many words."""

    most: int

    @property
    def name(self) -> str:
        return "length"

    def judge(self, row: Example, group: Group) -> Judgement:
        words = len(_question(row).split())
        return Judgement(words <= self.most, "too-long" if words > self.most else "fits", words)


@dataclass(frozen=True)
class NoSecrets(RowFilter):
    """Drops rows with what looks like a key."""

    @property
    def name(self) -> str:
        return "no_secrets"

    def judge(self, row: Example, group: Group) -> Judgement:
        return Judgement(False, "secret") if SECRET.search(_question(row)) else Judgement(True, "clean")


@dataclass(frozen=True)
class Numeric(RowFilter):
    """Keeps rows whose answer is a whole number."""

    @property
    def name(self) -> str:
        return "numeric"

    def judge(self, row: Example, group: Group) -> Judgement:
        right = (row.answer or "").removeprefix("-").isdigit()
        return Judgement(right, "number" if right else "no-number")


@dataclass(frozen=True)
class Unique(CorpusFilter):
    """Of equal questions keeps the first."""

    @property
    def name(self) -> str:
        return "unique"

    def over(self, groups: Iterable[Group]) -> Iterator[Verdict]:
        seen: set[bytes] = set()
        for group in groups:
            key = bytes.fromhex(digest(" ".join(map(_question, group.rows)))[:32])
            yield self.says(key not in seen, "duplicate" if key in seen else "first")
            seen.add(key)


def filters() -> list[Filter]:
    return [agreement(min_share=LEAST_SHARE, min_n=CALLS), Length(LONGEST), NoSecrets(), Numeric(), Unique()]


def _question(row: Example) -> str:
    return text_of(row.messages[-1]) or ""


# what is harvested


def problem(at: int) -> tuple[str, list[str]]:
    """The question of a problem and the replies to it; the same for the same number."""
    dice = random.Random(at)
    if at and dice.random() < 0.02:
        at -= dice.randint(1, min(at, 1000))  # asked before
    asked = random.Random(at)
    words = asked.choices(WORDS, k=80 if asked.random() < 0.05 else asked.randint(20, 50))
    if asked.random() < 0.01:
        words.append("sk-" + "".join(asked.choices("abcdefghijkmnpqrstuvwxyz23456789", k=24)))
    question = f"Question {at}: {' '.join(words)}?"
    right, chance, is_word = asked.randrange(1000), asked.betavariate(2, 1), asked.random() < 0.03
    answers = [right if dice.random() < chance else right + dice.randint(1, 5) for _ in range(CALLS)]
    return question, [_reply(dice, f"option-{one}" if is_word else str(one)) for one in answers]


def _reply(dice: random.Random, answer: str) -> str:
    thinking = " ".join(dice.choices(WORDS, k=dice.randint(50, 150)))
    return thinking if dice.random() < 0.03 else f"{thinking}\nAnswer: {answer}"


def trace(at: int) -> Trace:
    """The run of self-consistency that asked it."""
    question, replies = problem(at)
    prompt: Any = [{"role": "system", "content": "Think step by step."}, {"role": "user", "content": question}]
    calls = [
        Call(id=f"{at}-{of}", path="sample", node="sample", branch=of, candidate=True, model="teacher", prompt=prompt,
             strategy="self_consistency", params={"temperature": 0.7}, started=1e9 + at, ended=1e9 + at + 1,
             replies=[Reply(message={"role": "assistant", "content": one}, finish_reason="stop")],
             usage=Usage(input_tokens=60, output_tokens=len(one.split())))
        for of, one in enumerate(replies)
    ]  # fmt: skip
    output: Any = [{"role": "assistant", "content": replies[0]}]
    return Trace(
        id=f"run-{at}", name="self_consistency", strategy="self_consistency", input=prompt[1:], output=output, calls=calls,
        metadata={"problem": f"p{at:08}"}, started=1e9 + at, ended=1e9 + at + 2,
    )  # fmt: skip


def made(problems: int, folder: Path) -> None:
    """The store, and the same problems as JSON lines for the peer."""
    store = SQLiteStore(folder / "traces.db")
    (folder / "lines").mkdir()
    with (folder / "lines" / "problems.jsonl").open("wb") as file:
        for start in range(0, problems, 500):
            store.add([trace(at) for at in range(start, min(start + 500, problems))])
            for at in range(start, min(start + 500, problems)):
                question, replies = problem(at)
                file.write(orjson.dumps({"id": f"p{at:08}", "text": question, "replies": replies}) + b"\n")
    store.close()


# in processes of their own


def harvested(folder: Path) -> dict[str, Any]:
    """The harvest of the store, its time and its peak memory; run in a process that does nothing else."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    dataset = harvest(folder / "traces.db").filter(*filters()).write(folder / "data")
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mb": after.ru_maxrss / MEGABYTE,
        "rows": sum(dataset.manifest["rows"].values()),
        "hash": dataset.hash,
        "funnel": dataset.funnel,
    }


def told_by(command: list[str | Path]) -> dict[str, Any]:
    """What a process printed last, as JSON."""
    places = {"PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{command} failed: {ran.stderr[-2000:]}")
    return json.loads(ran.stdout.splitlines()[-1])


def measured(problems: int, folder: Path, peer: str | None) -> dict[str, Any]:
    """One size of data: made, harvested, given to the peer, and removed."""
    folder.mkdir()
    try:
        started = time.perf_counter()
        made(problems, folder)
        told: dict[str, Any] = {
            "problems": problems,
            "calls": CALLS * problems,
            "making_seconds": time.perf_counter() - started,
            "store_mb": (folder / "traces.db").stat().st_size / 1e6,
            "langdistill": told_by([sys.executable, __file__, "--harvest", folder]),
        }
        if peer:
            told["datatrove"] = told_by([peer, PEER, folder])
    finally:
        shutil.rmtree(folder)
    for who in told.keys() & {"langdistill", "datatrove"}:
        told[who]["problems_per_second"] = problems / told[who]["seconds"]
        told[who]["calls_per_second"] = CALLS * problems / told[who]["seconds"]
    print(json.dumps(told, indent=1), flush=True)
    return told


def goals(small: dict[str, Any], large: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines that were set, what was found, and whether each is held."""
    ours = small["langdistill"], large["langdistill"]
    found = [(f"peak memory of {large['calls']:,} calls, MB", ours[1]["peak_mb"], LIMITS["memory"])] + [
        (f"{name} of ten times the data, over that of the data", ours[1][key] / ours[0][key], LIMITS["growth"])
        for name, key in (("time", "seconds"), ("CPU time", "cpu_seconds"))
    ]
    return [
        {"goal": goal, "found": value, "limit": limit, "bound": "at most", "held": value <= limit}
        for goal, value, limit in found
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a harvest costs, and how it grows.")
    parser.add_argument(
        "--quick", action="store_true", help="a hundredth of the data, to see that it works; writes no results"
    )
    parser.add_argument("--datatrove", metavar="PYTHON", help="of an environment with datatrove")
    parser.add_argument("--harvest", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.harvest:
        print(json.dumps(harvested(asked.harvest)))
        return
    problems = 1_250 if asked.quick else 125_000
    with tempfile.TemporaryDirectory(prefix="harvest-") as place:
        small, large = (
            measured(count, Path(place) / str(count), asked.datatrove) for count in (problems // 10, problems)
        )
    reached = goals(small, large)
    for one in reached:
        print(f"{'held  ' if one['held'] else 'MISSED'} {one['goal']}: {one['found']:.2f} (at most {one['limit']})")
    told = {
        "command": "python benchmarks/harvest.py --datatrove PYTHON",
        "versions": {
            "python": platform.python_version(),
            "langdistill": langdistill.__version__,
            "pydantic": version("pydantic"),
        },
        "missing": [] if asked.datatrove else ["datatrove"],
        "filters": [{"name": one.name, **one.params} for one in filters()],
        "rows": [small, large],
        "goals": reached,
    }
    if not asked.quick:
        RESULTS.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()

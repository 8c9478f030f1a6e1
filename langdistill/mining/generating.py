"""Generate: new instructions from hard and from easy ones, as many of each by what is accepted (Jiang et al., 2305.12870, section 3.3).

A new instruction must pass the surface rules (`validity`) and be unlike every one of the cache pool and of this round by ROUGE-L.
The paper wants less than 0.7; its code drops what is above, so that 0.70 passes there. Here the paper's rule holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.asking import ask
from langdistill.errors import MiningError
from langdistill.mining.generators.long_tailed import long_tailed
from langdistill.mining.generators.same_kind import same_kind
from langdistill.mining.instructions import Instruction, instruction
from langdistill.mining.pools import InstructionPools, Try
from langdistill.mining.stages import Model, Role, ask_all, said, stage, tokens
from langdistill.mining.validity import Flaw, cut, flaw
from langdistill.mining.writing import Generator
from langdistill.named import told
from langdistill.records import digest
from langdistill.similarity.pool_index import PoolIndex
from langdistill.similarity.rouge_l import Tokens, legible, words

HALVES = ("hard", "easy")


@dataclass(frozen=True)
class Writing:
    """How new instructions are written and taken. The defaults are the paper's; only the number of tries is ours."""

    per_round: int = 6000
    """Instructions that a round adds."""
    share_hard: float = 0.5
    """Of them, those that are written from hard ones."""
    from_hard: Generator = field(default_factory=same_kind)
    from_easy: Generator = field(default_factory=long_tailed)
    rouge_l: float = 0.7
    """The ROUGE-L F1 to any known instruction that must not be reached."""
    flaw: Flaw = flaw
    """What is wrong with a text on its face."""
    tokens: Tokens = words
    """Cuts a text into what ROUGE-L compares; `similarity.rouge_l.any_script` for other alphabets."""
    tries: int = 10
    """Most replies for each instruction that is wanted."""
    seed: int = 0
    """Of what is drawn."""

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            MiningError: a setting is out of its range.
        """
        if self.per_round < 1 or self.tries < 1:
            raise MiningError(f"per_round={self.per_round} and tries={self.tries} must be at least 1.")
        if not 0 <= self.share_hard <= 1:
            raise MiningError(
                f"share_hard={self.share_hard} is no share. Give a number from 0 to 1; the paper's is 0.5."
            )
        if not 0 < self.rouge_l <= 1:
            raise MiningError(f"rouge_l={self.rouge_l} is no similarity. Give a number above 0 and at most 1.")

    @property
    def quotas(self) -> dict[str, int]:
        """How many instructions of each half a round adds."""
        hard = round(self.per_round * self.share_hard)
        return {"hard": hard, "easy": self.per_round - hard}

    @property
    def ways(self) -> dict[str, Generator]:
        """How each half is written."""
        return {"hard": self.from_hard, "easy": self.from_easy}

    @property
    def told(self) -> list[Any]:
        """All that decides what is written."""
        ways = [[one.name, one.params] for one in self.ways.values()]
        return [self.quotas, ways, self.rouge_l, told(self.flaw), told(self.tokens), self.tries, self.seed]


def generation(
    generator: Model,
    *,
    pools: InstructionPools,
    writing: Writing = Writing(),
) -> Runnable[Any, Any]:
    """A node that writes new instructions from the state's `hard` and `easy`: they become `train`, and are added to `cache`.

    Where no tries are left the round is short, and the state's `stopped` says by how much. Where a half has nothing to be written
    from (to a weak student nothing is easy) the round has the other half alone, and its report says so.

    Args:
        generator: a chat model or its string, or a graph.
        pools: of the run.
        writing: how many, how, and what is taken.
    """
    role = Role.of("generator", generator, {})

    def generate(state: Mapping[str, Any]):
        number = state.get("round", 1)
        drawn = {half: list(state[half]) for half in HALVES}
        mark = f"generate {number} {digest(state['cache'], drawn, role.label, writing.told)}"
        if (known := pools.finished(mark)) is None:
            draft = _Draft(pools, role, writing, number, drawn, state["cache"])
            yield from draft.fill()
            known = draft.outcome()
            if not (
                known["stopped"] and known["report"]["rejected"].get("unanswered")
            ):  # else it may have been the model's fault
                pools.finish(mark, known)
        rounds = [{**one, **known["report"]} if one["round"] == number else one for one in state.get("rounds", ())]
        stop = {"stopped": known["stopped"]} if known["stopped"] else {}
        return {
            "train": known["accepted"],
            "cache": [*state["cache"], *known["accepted"]],
            "round": number + 1,
            "rounds": rounds,
            **stop,
        }

    return stage(generate, pools)


class _Draft:
    """The new instructions of a round as they come."""

    def __init__(
        self,
        pools: InstructionPools,
        role: Role,
        writing: Writing,
        round: int,
        drawn: Mapping[str, Sequence[str]],
        cache: Sequence[str],
    ) -> None:
        self._pools, self._role, self._writing, self._round = pools, role, writing, round
        self._pool = pools.instructions(cache)
        known = {one.id: one for one in self._pool}
        self._parents = {half: [known[id] for id in drawn[half]] for half in HALVES}
        self._index = PoolIndex((one.text for one in self._pool), threshold=writing.rouge_l, tokens=writing.tokens)
        self._rng = Random(f"{writing.seed}-written-{round}")
        self._asked: Counter[str] = Counter()
        """Id of a parent to how often it was tried from in this round."""
        self._replies: Counter[str] = Counter()
        """Half to how many replies were asked for."""
        self._written: Counter[str] = Counter()
        """Half to how many texts were read in them."""
        self._rejected: Counter[str] = Counter()
        self.accepted: dict[str, list[Instruction]] = {half: [] for half in HALVES}

    def fill(self):
        """Ask until each half is full, has nothing to be written from, or has no tries left."""
        self._pools.forget_tries(self._round)
        while wanted := [self._proposal(half) for half in HALVES for _ in range(self._missing(half))]:
            answered: set[int] = set()

            def keep(
                replies: list[tuple[int, AIMessage]], wanted: Any = tuple(wanted), answered: set[int] = answered
            ) -> None:
                answered.update(at for at, _ in replies)
                asked = [(*wanted[at][:2], reply) for at, reply in replies]
                self._pools.put_tries([one for half, parent, reply in asked for one in self._take(half, parent, reply)])

            asks = [one[2] for one in wanted]
            yield from ask_all("generator", asks, keep, of=len(asks), given=self._written.total())
            self._rejected["unanswered"] += len(wanted) - len(answered)

    def outcome(self) -> dict[str, Any]:
        """What the stage came to; the instructions are in the pools."""
        quotas = self._writing.quotas
        self._pools.put(one for half in HALVES for one in self.accepted[half])
        found = {half: len(self.accepted[half]) for half in HALVES}
        short = {half: self._shortage(half, found[half], quotas[half]) for half in HALVES if found[half] < quotas[half]}
        tried = [told for half, told in short.items() if self._parents[half] or not any(found.values())]
        return {
            "accepted": [one.id for half in HALVES for one in self.accepted[half]],
            "stopped": "; ".join(tried) or None,
            "report": {
                "short": "; ".join(short.values()) or None,
                "accepted": found,
                "tries": self._replies.total(),
                "rejected": {reason: count for reason, count in sorted(self._rejected.items()) if count},
            },
        }

    def _missing(self, half: str) -> int:
        """How many replies are to be asked for next."""
        quota = self._writing.quotas[half]
        left = quota * self._writing.tries - self._replies[half]
        wanted = ceil((quota - len(self.accepted[half])) / self._writing.ways[half].expected)
        return min(wanted, left) if self._parents[half] else 0

    def _proposal(self, half: str) -> tuple[str, Instruction, Any]:
        """Whom a new instruction is written from, and what the generator is asked."""
        parent, way = self._rng.choice(self._parents[half]), self._writing.ways[half]
        # a sample of its own, whichever half and round the parent was drawn for before: the reply is to be a new one
        sample = (self._round - 1) * self._writing.per_round * self._writing.tries + self._asked[parent.id]
        self._asked[parent.id] += 1
        self._replies[half] += 1
        prompt = way.prompt(parent, self._pool, self._rng)
        return half, parent, ask(self._role.model, prompt, first=sample or None, **way.decoding(parent))

    def _take(self, half: str, parent: Instruction, reply: AIMessage) -> list[Try]:
        """What becomes of a reply: a try for each text that is read in it, its tokens with the first."""
        found: list[Try] = []
        for text in self._writing.ways[half].read(said(reply)) or [""]:
            reason = self._reason(half, text, reply)
            if reason is None:
                self._accept(half, parent, text)
            else:
                self._rejected[reason] += 1
            replies, (read, made) = (0, (0, 0)) if found else (1, tokens(reply))
            found.append(Try(self._round, half, self._written[half], parent.id, text, reason, replies, read, made))
            self._written[half] += 1
        return found

    def _reason(self, half: str, text: str, reply: AIMessage) -> str | None:
        """Why a text cannot be taken."""
        if len(self.accepted[half]) >= self._writing.quotas[half]:
            return "not-wanted"
        if cut(reply):
            return "cut"
        if not text:
            return "empty"
        if found := self._writing.flaw(text):
            return found
        if not legible(text, self._writing.tokens(text)):
            return "illegible"
        return "not-novel" if self._index.nearest(text) else None

    def _accept(self, half: str, parent: Instruction, text: str) -> None:
        self._index.add(text)
        root = parent.root or parent.id
        self.accepted[half].append(instruction(text, source=half, parent=parent.id, root=root, round=self._round))

    def _shortage(self, half: str, found: int, quota: int) -> str:
        if not self._parents[half]:
            return f"{found} of {quota} new instructions from {half} ones: there is no {half} instruction to write from"
        asked = self._replies[half]
        return f"{found} of {quota} new instructions from {half} ones were accepted in {asked} tries, the most that were allowed"

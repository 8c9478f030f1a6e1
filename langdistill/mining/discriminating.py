"""Discriminate: teacher and student answer, the referee grades both, and what the student is behind at is hard.

Source: Jiang et al., 2305.12870, section 3.2. Beyond the paper, each by a knob that is off: a sample of the cache pool, the second
order only where the first leaves it open, and no referee for answers that are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.answers import grades
from langdistill.errors import MiningError
from langdistill.intervals import wilson
from langdistill.mining.pools import InstructionPools, Judgement
from langdistill.mining.referee import DECODING, PROMPT, Comparison, comparison
from langdistill.mining.stages import ANSWERING, Asking, Model, Role, answer_all, ask_all, stage, tokens
from langdistill.prompts import check, fill
from langdistill.records import digest
from langdistill.similarity.rouge_l import rouge_l

Choice = Callable[[Mapping[str, Any]], Model]
"""From the state to the student of the moment."""

BEST, WORST = 10, 1
"""Of the referee's grades."""
RETRIES = 2
"""How often a reply that cannot be read is asked for again."""


@dataclass(frozen=True)
class Judging:
    """How instructions are told hard from easy. The defaults are the paper's."""

    tau: float = 1.0
    """Hard is what the teacher's mean grade is at least so much better at."""
    swap: bool = True
    """Judge both orders and take the mean."""
    band: float | None = None
    """Judge the second order only where the first is at most so far from `tau`; `None`: always."""
    alike: float | None = None
    """Ask no referee where the ROUGE-L F1 of both answers is at least this: the difference is 0; `None`: always ask."""
    sample: int | None = None
    """How many instructions of the cache pool are judged, drawn anew each round; `None`: all."""
    retries: int = RETRIES
    """How often a reply that cannot be read is asked for again, before the instruction is left out."""
    prompt: str = PROMPT
    """Template with the places ``{request}``, ``{first}`` and ``{second}``; `answers.grades` reads the reply."""
    seed: int = 0
    """Of the sample."""

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            MiningError: `tau` or another setting is out of its range.
            PromptError: the template has other places.
        """
        check(self.prompt, "request", "first", "second")
        if not 0 < self.tau <= BEST - WORST:
            raise MiningError(
                f"tau={self.tau} tells nothing apart: grades go from {WORST} to {BEST}. Give a number above 0 and at most {BEST - WORST}; "
                "the paper's is 1."
            )
        if self.sample is not None and self.sample < 1:
            raise MiningError(f"sample={self.sample} judges nothing. Give at least 1, or None for the whole pool.")
        if self.retries < 0 or (self.band is not None and self.band < 0):
            raise MiningError(f"retries={self.retries} and band={self.band} cannot be below 0.")
        if self.alike is not None and not 0 < self.alike <= 1:
            raise MiningError(f"alike={self.alike} is no similarity. Give a number above 0 and at most 1.")

    def drawn(self, ids: Sequence[str], round: int) -> list[str]:
        """The instructions that a round judges, in the pool's order."""
        if self.sample is None or self.sample >= len(ids):
            return list(ids)
        chosen = Random(f"{self.seed}-judged-{round}").sample(range(len(ids)), self.sample)
        return [ids[at] for at in sorted(chosen)]


def discrimination(
    teacher: Model,
    student: Model | Choice,
    referee: Model,
    *,
    pools: InstructionPools,
    judging: Judging = Judging(),
    decoding: Mapping[str, Any] = ANSWERING,
    refereeing: Mapping[str, Any] = DECODING,
) -> Runnable[Any, Any]:
    """A node that splits the instructions whose ids are in the state's `cache` into `hard` and `easy`.

    An instruction that a model did not answer, or that the referee was not understood on, is in neither: it is counted in the
    round's report.

    Args:
        teacher: a chat model or its string, or a graph.
        student: the same; or a function from the state to the student of the moment.
        referee: the same as the teacher; its replies are read by `answers.grades`.
        pools: of the run.
        judging: tau, and what may be saved.
        decoding: sampling parameters of teacher and student; the authors' by default.
        refereeing: sampling parameters of the referee; the authors' by default.
    """
    teaching, grading = Role.of("teacher", teacher, decoding), Role.of("referee", referee, refereeing)

    def discriminate(state: Mapping[str, Any]):
        number = state.get("round", 1)
        chosen = _of_the_moment(student, state)
        learner = Role.of("student", chosen, decoding, version=state.get("student") or "")
        ids = judging.drawn(list(dict.fromkeys(state["cache"])), number)
        told = [judging.__dict__, teaching.label, learner.label, grading.label]
        mark = f"discriminate {number} {digest(ids, told)}"
        known: dict[str, Any] | None = pools.finished(mark)
        if known is None:
            yield from answer_all(teaching, ids, pools)
            yield from answer_all(learner, ids, pools)
            match = _Match(pools, judging, grading, teaching.label, learner.label)
            found = yield from match.judged(ids)
            known = {**_split(found, judging.tau), "report": match.report(found, ids, len(state["cache"]))}
            pools.finish(mark, known)
        report = {"round": number, "student": learner.label, "train": len(state.get("train", ())), **known["report"]}
        earlier = [one for one in state.get("rounds", ()) if one["round"] != number]
        return {"hard": known["hard"], "easy": known["easy"], "rounds": [*earlier, report]}

    return stage(discriminate, pools)


@dataclass(frozen=True)
class _Match:
    """Teacher and student of one moment, before the referee."""

    pools: InstructionPools
    judging: Judging
    referee: Role
    teacher: str
    student: str

    @property
    def pair(self) -> str:
        """Whose answers are compared, by whom, and how he is asked."""
        return digest([self.teacher, self.student, self.referee.label, self.judging.prompt])[:16]

    def judged(self, ids: Sequence[str]):
        """What the referee makes of each instruction that both have answered."""
        said = self.pools.answers(ids, self.teacher), self.pools.answers(ids, self.student)
        both = [id for id in ids if id in said[0] and id in said[1]]
        alike = {id for id in both if self._is_alike(said[0][id], said[1][id])}
        left = [id for id in both if id not in alike]
        yield from self._ask(left, said, swapped=False)
        doubtful = self._doubtful(left) if self.judging.swap else []
        yield from self._ask(doubtful, said, swapped=True)
        found, twice = self._judgements(left), set(doubtful)
        return [Comparison(id, 0.0, None) if id in alike else _summed(id, found[id], id in twice) for id in both]

    def report(self, found: Sequence[Comparison], ids: Sequence[str], cache: int) -> dict[str, Any]:
        """The figures of a round."""
        read = [one.difference for one in found if one.difference is not None]
        hard = sum(one >= self.judging.tau for one in read)
        leanings = [one.first for one in found if one.first is not None]
        share = hard / len(read) if read else 0.0
        return {
            "cache": cache,
            "pair": self.pair,
            "judged": len(read),
            "hard": hard,
            "share_hard": share,
            "interval": list(wilson(hard, len(read))),
            "mean_difference": fmean(read) if read else None,
            "first_preferred_by": fmean(leanings) if leanings else None,
            "unanswered": len(ids) - len(found),
            "unread": len(found) - len(read),
            "both_orders": len(leanings),
            "hard_not_judged": round(share * (cache - len(ids))),
        }

    def _ask(self, ids: Sequence[str], said: tuple[Mapping[str, str], Mapping[str, str]], *, swapped: bool) -> Asking:
        """Ask for one order of each instruction, and again where the reply cannot be read."""
        texts = {one.id: one.request for one in self.pools.instructions(ids)}
        for attempt in range(self.judging.retries + 1):
            done = self._judgements(ids)
            left = [id for id in ids if not any(one.swapped is swapped and _settles(one, attempt) for one in done[id])]
            if not left:
                return
            prompts = (
                fill(self.judging.prompt, request=texts[id], first=said[swapped][id], second=said[not swapped][id])
                for id in left
            )

            def keep(
                replies: list[tuple[int, AIMessage]], left: Sequence[str] = tuple(left), attempt: int = attempt
            ) -> None:
                self.pools.put_judgements(
                    self._judgement(left[at], reply, swapped=swapped, attempt=attempt) for at, reply in replies
                )

            given = sum(map(len, done.values()))
            asks = self.referee.asks(prompts, first=attempt or None)
            yield from ask_all("referee", asks, keep, of=len(left), given=given)

    def _judgement(self, id: str, reply: AIMessage, *, swapped: bool, attempt: int) -> Judgement:
        pair = grades(reply.text, out_of=BEST)
        teacher, student = (pair[::-1] if swapped else pair) if pair else (None, None)
        return Judgement(id, self.pair, swapped, attempt, teacher, student, *tokens(reply))

    def _judgements(self, ids: Sequence[str]) -> dict[str, list[Judgement]]:
        found: dict[str, list[Judgement]] = {id: [] for id in ids}
        for one in self.pools.judgements(ids, self.pair):
            found[one.instruction].append(one)
        return found

    def _doubtful(self, ids: Sequence[str]) -> list[str]:
        """What the second order is asked for: where the first cannot be read it would tell nothing."""
        band, tau, found = self.judging.band, self.judging.tau, self._judgements(ids)
        shown = {id: _summed(id, found[id], False).difference for id in ids}
        read = {id: difference for id, difference in shown.items() if difference is not None}
        return [id for id, difference in read.items() if band is None or abs(difference - tau) <= band]

    def _is_alike(self, teacher: str, student: str) -> bool:
        return self.judging.alike is not None and rouge_l(teacher, student) >= self.judging.alike


def _summed(id: str, judgements: Sequence[Judgement], both_orders: bool) -> Comparison:
    counted = judgements if both_orders else [one for one in judgements if not one.swapped]
    return comparison(id, counted, orders=2 if both_orders else 1)


def _settles(one: Judgement, attempt: int) -> bool:
    """Whether a reply need not be asked for in this attempt: it can be read, or was of this attempt."""
    return one.teacher is not None or one.attempt == attempt


def _split(found: Sequence[Comparison], tau: float) -> dict[str, list[str]]:
    read = [(one.instruction, one.difference) for one in found if one.difference is not None]
    return {"hard": [id for id, by in read if by >= tau], "easy": [id for id, by in read if by < tau]}


def _of_the_moment(student: Model | Choice, state: Mapping[str, Any]) -> Model:
    return student if isinstance(student, str | Runnable) else student(state)

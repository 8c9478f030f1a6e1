"""A model that thinks over the problems of the search world, and errs by known rates that differ from action to action.

It reads the prompts of `langdistill.search` and of self-consistency, and judges states as Tree of Thoughts has them judged. A reply depends on the prompt and on which sample of it is asked
for, and on nothing else, so a search is the same however its requests arrive, and its replies can be kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from random import Random
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from pydantic import PrivateAttr

from langdistill.jobs import sample_path
from langdistill.lab.search.world import Change, Story, story_in
from langdistill.prompts import STEP_BY_STEP
from langdistill.records import digest
from langdistill.search.actions import ACTIONS, START
from langdistill.search.evaluators.value import PROMPT as VALUE
from langdistill.search.evaluators.vote import PROMPT as VOTE
from langdistill.search.mutual_reasoning import COMPLETE
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel

WORKED = re.compile(r"^(?P<day>\w+day): (?P<before>-?\d+) [-+*] \d+ = (?P<after>-?\d+)\.$", re.MULTILINE)
"""A line in which a change was reckoned."""
RESPONSE = re.compile(r"^Response \d+:$", re.MULTILINE)
"""What a way is told by that is voted on."""
CLEARED = re.compile(r"^Given: on (?P<day>\w+day) \d+ pairs, which are \d+ pieces", re.MULTILINE)
"""A line in which pairs are told as pieces: nobody misreads them after it."""
WRONG_BY = [by for by in range(-9, 10) if by]

_samples: ContextVar[Iterator[int]] = ContextVar("langdistill_search_world_samples")


@dataclass(frozen=True)
class Rates:
    """How often a reasoner errs: by chance in a step, and always alike where it takes pairs for pieces."""

    thought: float = 0.10
    """Chance of a wrong result in a step of A1."""
    at_once: float = 0.02
    """The same where several steps are made at once (A2, or the last sub-question), times their number: few steps go well."""
    sub_answer: float = 0.06
    """The same in the answer to a sub-question (A3)."""
    again: float = 0.03
    """The same where it is answered again (A4)."""
    stumbles: float = 0.5
    """Share of the problems whose pairs it is apt to take for pieces; it reads the others well."""
    rushed: float = 0.8
    """Chance that it does so in these when it makes several steps at once."""
    careful: float = 0.35
    """The same when it makes one step (A1)."""
    asked: float = 0.25
    """The same when it answers a sub-question (A3, A4)."""
    rephrased: float = 0.1
    """The same when it lists the conditions (A5); once they are listed as pieces, pairs are not misread any more."""
    doubts: float = 0.5
    """Chance that it begins anew where it is to complete what somebody else began, instead of going on from there."""
    judged: float = field(default=0.2, repr=False)
    """Chance to judge a way wrongly: to overlook a wrong result in it, or to doubt right steps. What is misread is another matter: who
    misreads the pairs when judging, as often as in one step (`careful`), finds nothing amiss in a way that misreads them, too. Not part
    of what replies are drawn by, so that who judges otherwise thinks alike."""


class SampledChatModel(OneReplyChatModel):
    """One reply to a request; its script can ask for the index of the sample, whichever request brought it."""

    _requests: list[int] = PrivateAttr(default_factory=list[int])

    @property
    def requests(self) -> int:
        """How many it answered, of however many replies; copies count together."""
        return len(self._requests)

    def _result(self, messages: list[BaseMessage], params: dict[str, Any]) -> ChatResult:
        path = sample_path.get()
        with self._lock:
            self._requests.append(self._count(params))
        entered = _samples.set(count(path[-1] if path else 0))
        try:
            return super()._result(messages, params)
        finally:
            _samples.reset(entered)


class BatchedChatModel(SampledChatModel, ScriptedChatModel):
    """The same, where all n replies come from one request."""


class Way(NamedTuple):
    """Steps that are to be judged."""

    slipped: bool
    """Whether a result among them is wrong by chance."""
    misread: bool
    """Whether pairs were taken for pieces."""
    ended: bool
    """Whether nothing is left to be reckoned."""


@dataclass(frozen=True)
class Place:
    """What a prompt asks, and how far one has come there."""

    kind: str
    """"thought", "at_once", "ask", "sub_answer", "again", "rephrase", "complete", "value" or "vote"."""
    story: Story
    value: int
    """After what was reckoned so far."""
    ahead: tuple[Change, ...]
    """What was not."""
    again: Change | None
    """The change reckoned last."""
    before: int
    """The value before it."""
    cleared: bool
    """Whether the pairs were told as pieces."""
    last: bool
    """Whether the sub-question to be answered is the story's own."""
    ways: tuple[Way, ...]
    """Those that are to be judged: several where they are voted on."""


def reasoner(
    rates: Rates | None = None, *, trap: str = "generator", seed: int = 0, batched: bool = True
) -> SampledChatModel:
    """A generator or a discriminator.

    Args:
        rates: how often it errs.
        trap: decides which problems it stumbles over: two reasoners with one trap stumble over the same, so that their errors are
            correlated; with two traps they are independent.
        seed: of every draw.
        batched: whether n replies come from one request; the replies are the same either way.
    """
    rates = rates or Rates()
    thinks = f"search-world-{digest(repr(rates), trap, str(seed))[:12]}"
    name = f"{thinks}-{rates.judged:g}"

    def script(messages: list[BaseMessage], _: int) -> str:
        text = messages[-1].text
        place, index = place_in(text), next(_samples.get())
        drawn = digest(thinks, text, str((*sample_path.get()[:-1], index)))
        stumbles = _stumbles(place.story, rates, trap)
        return _Reply(place, rates, stumbles, Random(drawn)).text

    kind = BatchedChatModel if batched else SampledChatModel
    return kind(script=script, model=name)


ALERT = Rates(stumbles=0.2)
"""Of a second model that misreads fewer problems."""


def generator(seed: int = 0, *, batched: bool = True) -> SampledChatModel:
    """Who searches."""
    return reasoner(trap="generator", seed=seed, batched=batched)


def discriminator(seed: int = 0, *, correlated: bool = False, batched: bool = True) -> SampledChatModel:
    """Who completes what the generator began: with errors of its own, or with the same systematic ones."""
    if correlated:
        return reasoner(trap="generator", seed=seed + 1, batched=batched)
    return reasoner(ALERT, trap="discriminator", seed=seed + 1, batched=batched)


def stumbles(question: str, rates: Rates | None = None, *, trap: str = "generator") -> bool:
    """Whether a reasoner is apt to misread a problem."""
    return _stumbles(story_in(question), rates or Rates(), trap)


def _stumbles(story: Story, rates: Rates, trap: str) -> bool:
    return Random(f"{trap}/{story.text}").random() < rates.stumbles


ENDINGS = {
    **{
        one.prompt.removeprefix(START): kind
        for one, kind in zip(ACTIONS, ("thought", "at_once", "ask", "again", "rephrase"), strict=True)
    },
    (ACTIONS[2].then or "").removeprefix(START + "{step}"): "sub_answer",
    COMPLETE.rpartition("}")[2]: "complete",
    VALUE.rpartition("}")[2]: "value",
    VOTE.rpartition("}")[2]: "vote",
    STEP_BY_STEP.rpartition("}")[2]: "at_once",
}
"""What a prompt ends in, and what it asks for."""


@lru_cache(maxsize=10_000)
def place_in(text: str) -> Place:
    """What a prompt asks.

    Raises:
        ValueError: it is of no known action, or about another kind of problem.
    """
    found = [(ending, kind) for ending, kind in ENDINGS.items() if text.endswith(ending)]
    if not found:
        raise ValueError(f"A prompt of a search or of self-consistency was expected, not {text[-200:]!r}")
    ending, kind = max(found)
    story, worked = story_in(text), list(WORKED.finditer(text))
    days = [one.day for one in story.changes]
    done = days.index(worked[-1]["day"]) + 1 if worked else 0
    return Place(
        kind,
        story,
        value=int(worked[-1]["after"]) if worked else story.start,
        ahead=story.changes[done:],
        again=story.changes[done - 1] if worked else None,
        before=int(worked[-1]["before"]) if worked else story.start,
        cleared=bool(CLEARED.search(text)),
        last=text.removesuffix(ending).endswith(f"\n{LAST.format(asked=story.asked)}"),
        ways=tuple(_way(story, one) for one in _judged(kind, text)),
    )


def _judged(kind: str, text: str) -> list[str]:
    """The ways that a prompt shows to be judged."""
    return [text] if kind == "value" else RESPONSE.split(text)[1:] if kind == "vote" else []


def _way(story: Story, text: str) -> Way:
    """What is wrong with the results in a text, each looked at by itself."""
    changes = {one.day: one for one in story.changes}
    worked = [(changes[one["day"]], int(one["before"]), int(one["after"])) for one in WORKED.finditer(text)]
    wrong = [one for one in worked if one[2] != one[0].after(one[1])]
    misread = [one for one in wrong if one[2] == one[0].after(one[1], misread=True)]
    ended = bool(worked) and worked[-1][0] == story.changes[-1]
    return Way(slipped=len(wrong) > len(misread), misread=bool(misread), ended=ended)


LAST = "Now we can answer: {asked}"


class _Reply:
    """One reply to a prompt."""

    def __init__(self, place: Place, rates: Rates, stumbles: bool, rng: Random) -> None:
        self._place, self._rates, self._stumbles, self._rng = place, rates, stumbles, rng

    @property
    def text(self) -> str:
        place, rates = self._place, self._rates
        match place.kind:
            case "thought":
                return self._steps(place.ahead[:1], place.value, rates.thought, rates.careful)
            case "ask":
                return self._sub_question()
            case "sub_answer" if not place.last:
                return self._steps(place.ahead[:1], place.value, rates.sub_answer, rates.asked, answer=True)
            case "again" if place.again:
                return self._steps((place.again,), place.before, rates.again, rates.asked, answer=True)
            case "rephrase":
                return self._conditions()
            case "value":
                return self._outlook()
            case "vote":
                return self._vote()
            case "complete" if self._rng.random() < rates.doubts:
                return self._at_once(place.story.changes, place.story.start)
            case _:
                return self._at_once(place.ahead, place.value)

    def _at_once(self, changes: tuple[Change, ...], value: int) -> str:
        """To the end: who has one step left makes it as if he were asked for it."""
        rates, few = self._rates, len(changes) < 2
        slip = rates.at_once * len(changes)
        return self._steps(changes, value, slip, rates.asked if few else rates.rushed, answer=True)

    def _steps(
        self, changes: tuple[Change, ...], value: int, slip: float, misreads: float, *, answer: bool = False
    ) -> str:
        """Each change in a line of its own; after the last, or where one is asked for, the answer."""
        told = list[str]()
        for change in changes:
            misread = self._misreads(misreads) if change.pairs and not self._place.cleared else False
            found = change.after(value, misread=misread)
            found += self._rng.choice(WRONG_BY) if self._rng.random() < slip else 0
            told.append(f"{change.day}: {value} {change.sign} {change.amount(misread=misread)} = {found}.")
            value = found
        ended = not changes or changes[-1] == self._place.story.changes[-1]
        return "\n".join([*told, f"Answer: {value}"] if answer or ended else told)

    def _sub_question(self) -> str:
        """The next, or with the better a chance the fewer steps are left the last."""
        story, ahead = self._place.story, self._place.ahead
        if self._rng.random() * len(ahead) < 1:
            return LAST.format(asked=story.asked)
        return f"How many {story.things} has {story.name} after {ahead[0].day}?"

    def _conditions(self) -> str:
        """The story's conditions in a line each."""
        story, told = self._place.story, list[str]()
        for change in story.changes:
            cleared = change.pairs and not self._misreads(self._rates.rephrased)
            pieces = f"{change.count} pairs, which are {change.amount()} pieces" if cleared else str(change.count)
            told.append(f"Given: on {change.day} {pieces} ({change.sign}).")
        return "\n".join([f"Given: {story.start} at first.", *told, f"Asked: {story.asked}"])

    def _outlook(self) -> str:
        """Of one way; only at its end can one be sure."""
        [right], [way] = self._found_right(), self._place.ways
        return f"Judgement: {('sure' if way.ended else 'likely') if right else 'impossible'}"

    def _vote(self) -> str:
        """For one of the ways in which nothing seems wrong; for any where something does in all."""
        found = self._found_right()
        fit = [number for number, right in enumerate(found, 1) if right] or range(1, len(found) + 1)
        return f"Most promising: Response {self._rng.choice(fit)}"

    def _found_right(self) -> list[bool]:
        """Of each way, whether nothing in it seems wrong. The question is read once for all of them."""
        misreads = not self._place.cleared and self._misreads(self._rates.careful)
        seems_right = [not way.slipped and (misreads or not way.misread) for way in self._place.ways]
        return [right is not (self._rng.random() < self._rates.judged) for right in seems_right]

    def _misreads(self, chance: float) -> bool:
        return self._stumbles and self._rng.random() < chance

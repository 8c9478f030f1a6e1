"""The children of a node: each action that may follow is asked, and what comes back is read as steps.

The answer of a leaf is that of most of its samples, and its reward their share (2408.06195, section 3.2). Requests that do not wait
for one another go out together: all actions of a node, and all nodes that are to be expanded.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeVar

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.answers import Extract, normalise
from langdistill.answers.thinking import before_answer
from langdistill.asking import Ask, ask
from langdistill.questions import question_of, turn
from langdistill.search.actions import CAN_ANSWER, Action
from langdistill.search.merging import distinct
from langdistill.search.settings import Settings
from langdistill.search.tree import Step, Tree
from langdistill.votes import leader, vote

Key = TypeVar("Key")
Found = TypeVar("Found")
Asking = Generator[list[Ask], list[list[AIMessage]], Found]
"""Yields requests, is sent their replies, and returns what it found."""


@dataclass(frozen=True)
class Expander:
    """What a node's children are made with."""

    model: Runnable[Any, Any]
    settings: Settings
    extract: Extract

    def children(self, state: Mapping[str, Any], tree: Tree, index: int) -> Asking[list[Step]]:
        """The steps that may follow a node, in the order of its actions; those that say the same are one."""
        path = [step.text for step in tree.steps(index)]
        place = _Place(state, question_of(state), path, last=tree.nodes[index].depth + 1 >= self.settings.depth)
        actions = self.settings.grammar.after(tree.nodes[index].step.action)
        found = yield from together({one.id: self._steps(one, place) for one in actions})
        steps = distinct((step for one in actions for step in found[one.id]), self._told)
        return [place.rewarded(step) for step in steps]

    def _told(self, step: Step) -> tuple[str, str, str | None]:
        """What a step says: those of one action that say the same, and come to the same answer, are one."""
        text = step.text if step.answer is None else before_answer(step.text) or ""
        return step.action, self.settings.alike(text), step.answer and normalise(step.answer)

    def _steps(self, action: Action, place: _Place) -> Asking[list[Step]]:
        """What one action gives."""
        prompt = action.asked(place.question, place.path)
        if action.votes and not action.then:
            last = action.answers
            replies = yield from self._votes(action, place, prompt, last=last)
            return self._voted(action, place, replies, "", last=last)
        [replies] = yield [self._ask(action, place, prompt, self._count(action))]
        texts = [text for reply in replies if (text := reply.text.strip())]
        if action.then:
            return (yield from self._answered(action, place, [text.splitlines()[0] for text in texts]))
        return [self._single(action, place, text) for text in texts]

    def _answered(self, action: Action, place: _Place, questions: Sequence[str]) -> Asking[list[Step]]:
        """Sub-questions with the answers that most samples give; that of the last is the answer to the question."""
        asked = {one: _is_last(one, place.question) for one in distinct(questions, self.settings.alike)}
        found = yield from together(
            {
                one: self._votes(action, place, action.asked_then(place.question, place.path, one), last=last)
                for one, last in asked.items()
            }
        )
        return [
            step
            for one, last in asked.items()
            for step in self._voted(action, place, found[one], f"{one}\n", last=last)
        ]

    def _votes(self, action: Action, place: _Place, prompt: str, *, last: bool) -> Asking[list[AIMessage]]:
        """Samples of an answer, batch by batch, until they are enough."""
        stop, most = self.settings.stop, self.settings.last_votes if last else self.settings.votes
        drawn, asked = list[AIMessage](), 0
        while asked < most and not stop.enough([self.extract(reply.text) for reply in drawn]):
            n = min(stop.batch or most, most - asked)
            [replies] = yield [self._ask(action, place, prompt, n, first=asked if stop.batch else None)]
            drawn += replies
            asked += n
        return drawn

    def _voted(
        self, action: Action, place: _Place, replies: Sequence[AIMessage], before: str, *, last: bool
    ) -> list[Step]:
        """The reply with the answer of most, and their share as its reward where it is the end."""
        answers = [self.extract(reply.text) for reply in replies]
        if last:
            place.answers.extend(answers)
        at = leader(answers)
        if at is None:
            return []
        text = before + replies[at].text.strip()
        if not last:
            return [Step(action.id, text, terminal=place.last)]
        share = vote(answers).votes
        return [Step(action.id, text, terminal=True, answer=answers[at], reward=max(share.values()) / len(answers))]

    def _single(self, action: Action, place: _Place, text: str) -> Step:
        """A step that nobody voted on; one that ends in an answer is a leaf."""
        answer = self.extract(text) if action.answers and "answer:" in text.casefold() else None
        if answer is not None:
            place.answers.append(answer)
        return Step(action.id, text, terminal=place.last or answer is not None, answer=answer)

    def _ask(self, action: Action, place: _Place, text: str, n: int, *, first: int | None = None) -> Ask:
        temperature, most = self.settings.temperature, min(action.max_tokens, self.settings.max_tokens or inf)
        return ask(self.model, turn(place.state, text), n=n, first=first, temperature=temperature, max_tokens=most)

    def _count(self, action: Action) -> int:
        if action.then:
            return self.settings.sub_questions
        return self.settings.thoughts if action.branches else 1


@dataclass(frozen=True)
class _Place:
    """Where in the tree steps are made."""

    state: Mapping[str, Any]
    question: str
    path: list[str]
    last: bool
    """Whether nothing may come after them."""
    answers: list[str | None] = field(default_factory=list[str | None])
    """To the question, of all samples that were drawn here."""

    def rewarded(self, step: Step) -> Step:
        """A leaf that nobody voted on gets the share of the samples here that agree with it: in the authors' code it gets nothing."""
        if step.answer is None or step.reward is not None:
            return step
        return step._replace(reward=vote(self.answers).votes[normalise(step.answer)] / len(self.answers))


def together(work: Mapping[Key, Asking[Found]]) -> Asking[dict[Key, Found]]:
    """Several pieces of work whose requests go out together, round by round."""
    found, wanted = dict[Key, Found](), dict[Key, list[Ask]]()
    for key, one in work.items():
        _sent(key, one, None, found, wanted)
    while wanted:
        asked = dict(wanted)
        replies = iter((yield [one for some in asked.values() for one in some]))
        wanted = {}
        for key, some in asked.items():
            _sent(key, work[key], [next(replies) for _ in some], found, wanted)
    return found


def _sent(
    key: Key,
    work: Asking[Found],
    replies: list[list[AIMessage]] | None,
    found: dict[Key, Found],
    wanted: dict[Key, list[Ask]],
) -> None:
    """Send replies in; out comes what is asked next, or what was found."""
    try:
        wanted[key] = next(work) if replies is None else work.send(replies)
    except StopIteration as ended:
        found[key] = ended.value


def _is_last(sub_question: str, question: str) -> bool:
    """Whether it says so, or repeats the end of the question (the authors' rule)."""
    ending = question.rstrip().rsplit(". ", 1)[-1].casefold().rstrip("?. ")
    told = sub_question.casefold()
    return CAN_ANSWER in told or (len(ending) > 10 and ending in told)

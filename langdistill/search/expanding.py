"""The children of a node: each action that may follow is asked, and what comes back is read as steps.

The answer of a leaf is that of most of its samples, and its reward their share (2408.06195, section 3.2). Requests that do not wait
for one another go out together: all actions of a node, and all nodes that are to be expanded.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.answers import Extract, normalise
from langdistill.asking import Ask, ask
from langdistill.questions import question_of, turn
from langdistill.search.actions import CAN_ANSWER, Action
from langdistill.search.settings import Settings
from langdistill.search.tree import Step, Tree
from langdistill.votes import leader, vote

Key = TypeVar("Key")
Asking = Generator[list[Ask], list[list[AIMessage]], list[Step]]
"""Yields requests, is sent their replies, and returns steps."""


@dataclass(frozen=True)
class Expander:
    """What a node's children are made with."""

    model: Runnable[Any, Any]
    settings: Settings
    extract: Extract

    def children(self, state: Mapping[str, Any], tree: Tree, index: int) -> Asking:
        """The steps that may follow a node, in the order of its actions; what was said twice is one step."""
        path = [step.text for step in tree.steps(index)]
        place = _Place(state, question_of(state), path, last=tree.nodes[index].depth + 1 >= self.settings.depth)
        actions = self.settings.grammar.after(tree.nodes[index].step.action)
        found = yield from together({one.id: self._steps(one, place) for one in actions})
        steps = dict.fromkeys(step for one in actions for step in found[one.id])
        return [place.rewarded(step) for step in steps]

    def _steps(self, action: Action, place: _Place) -> Asking:
        """What one action gives."""
        count = self._count(action)
        [replies] = yield [self._ask(action, place, action.asked(place.question, place.path), count)]
        texts = list(dict.fromkeys(text for reply in replies if (text := reply.text.strip())))
        if action.then:
            return (yield from self._answered(action, place, [text.splitlines()[0] for text in texts]))
        if action.votes:
            return self._voted(action, place, replies, "")
        return [self._single(action, place, text) for text in texts]

    def _answered(self, action: Action, place: _Place, questions: Sequence[str]) -> Asking:
        """Sub-questions with the answers that most samples give; that of the last is the answer to the question."""
        asked = list(dict.fromkeys(questions))
        if not asked:
            return []
        ends = [_is_last(one, place.question) for one in asked]
        replies = yield [
            self._ask(action, place, action.asked_then(place.question, place.path, one), self._votes(end))
            for one, end in zip(asked, ends, strict=True)
        ]
        return [
            step
            for one, end, some in zip(asked, ends, replies, strict=True)
            for step in self._voted(action, place, some, f"{one}\n", ends=end)
        ]

    def _voted(
        self, action: Action, place: _Place, replies: Sequence[AIMessage], before: str, *, ends: bool | None = None
    ) -> list[Step]:
        """The reply with the answer of most, and their share as its reward where it is the end."""
        answers = [self.extract(reply.text) for reply in replies]
        last = action.answers if ends is None else ends
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

    def _ask(self, action: Action, place: _Place, text: str, count: int) -> Ask:
        temperature = self.settings.temperature
        return ask(self.model, turn(place.state, text), n=count, temperature=temperature, max_tokens=action.max_tokens)

    def _count(self, action: Action) -> int:
        if action.then:
            return self.settings.sub_questions
        if action.votes:
            return self._votes(action.answers)
        return self.settings.thoughts if action.branches else 1

    def _votes(self, last: bool) -> int:
        return self.settings.last_votes if last else self.settings.votes


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


def together(work: Mapping[Key, Asking]) -> Generator[list[Ask], list[list[AIMessage]], dict[Key, list[Step]]]:
    """Several pieces of work whose requests go out together, round by round."""
    found, wanted = dict[Key, list[Step]](), dict[Key, list[Ask]]()
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
    work: Asking,
    replies: list[list[AIMessage]] | None,
    found: dict[Key, list[Step]],
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

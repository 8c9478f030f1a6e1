"""The traces of one problem together, the originals and those of its perturbed versions, and the rows they may become."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from langdistill.answers import Extract, final_answer
from langdistill.answers.thinking import thought_and_said
from langdistill.records import Call, Example, Message, Reply, Trace, Verdict, digest, text_of
from langdistill.votes import vote

_OF_THE_OLD_TARGET = dict.fromkeys(
    ("call", "model", "logprobs", "steps", "step_values", "shared_steps", "margin", "reasoning")
)
"""Fields of a row that speak of its target, and of another one are not true."""
_KNOWN = ("questions", "seed", "_answers")
"""What is read out of the traces once."""


@dataclass(frozen=True)
class Group:
    """One problem as it was recorded, on its way through the filters. Gold is not here."""

    problem: str
    originals: tuple[Trace, ...] = ()
    """Runs of the original question, in the order of their content, never of arrival."""
    variants: Mapping[str, tuple[Trace, ...]] = field(default_factory=dict[str, tuple[Trace, ...]])
    """Perturbation name to the traces of the changed question."""
    extract: Extract = final_answer
    """Reads the answer out of a recorded reply."""
    rows: tuple[Example, ...] = ()
    """What the student would learn of it, as far as no filter objected; empty before a target was chosen."""

    @property
    def question(self) -> list[Message]:
        """What was asked originally."""
        return self.originals[0].input

    @cached_property
    def questions(self) -> int:
        """How many different questions the originals asked; 0 where none was recorded."""
        return len({digest(trace.input) for trace in self.originals if trace.input})

    @property
    def answers(self) -> list[str | None]:
        """Candidate answers to the original question."""
        return list(self._answers)

    @cached_property
    def _answers(self) -> tuple[str | None, ...]:
        return tuple(answers_of(self.originals, self.extract))

    @property
    def traces(self) -> list[str]:
        """Ids of all its traces, in alphabetical order."""
        return sorted(trace.id for some in (self.originals, *self.variants.values()) for trace in some)

    @property
    def votes(self) -> Mapping[str, float]:
        """Votes per normalised answer."""
        return vote(self.answers).votes

    @cached_property
    def seed(self) -> str | None:
        """The problem that this one was mined or reworded from, or, of a conversation, its first turn: they share a side.

        One for all its rows, also where some of its runs tell it and others do not: a problem is on one side.
        """
        told = (_seed_of(trace) for some in (self.originals, *self.variants.values()) for trace in some)
        return min((one for one in told if one is not None), default=None)

    @property
    def content(self) -> str:
        """Digest of its rows, whichever runs they are from."""
        return digest(self.problem, *(row.content for row in self.rows))

    def after(self, verdict: Verdict) -> Group:
        """The same as a verdict leaves it: without the rows that it drops, with the targets that it changes."""
        if not verdict.dropped and not verdict.targets:
            return self
        changed = (
            self._retargeted(row, verdict.targets[at]) if at in verdict.targets else row
            for at, row in enumerate(self.rows)
        )
        return self.with_rows([row for at, row in enumerate(changed) if at not in verdict.dropped])

    def _retargeted(self, row: Example, target: list[Message]) -> Example:
        """The row with another target, its answer with it, and without what described the old one."""
        told = next((text_of(one) for one in reversed(target) if one["role"] == "assistant"), None)
        answer = None if row.answer is None or told is None else told if row.is_answer_alone else self.extract(told)
        return row.model_copy(update={"target": target, "answer": answer, **_OF_THE_OLD_TARGET})

    def without_traces(self) -> Group:
        """The same with its rows alone, which any process can be given: an extractor of the user's own stays here."""
        if not self.originals and not self.variants and self.extract is final_answer:
            return self
        return replace(self, originals=(), variants={}, extract=final_answer)

    def with_rows(self, rows: Sequence[Example]) -> Group:
        """The same with other rows; what was read out of its traces stays known."""
        if not rows and not self.rows:
            return self
        changed = replace(self, rows=tuple(rows))
        vars(changed).update({name: vars(self)[name] for name in _KNOWN if name in vars(self)})
        return changed


def _seed_of(trace: Trace) -> str | None:
    """What its metadata names.

    A run that names neither its problem nor a seed goes by the conversation that it belongs to, so that no turn of it is in one
    split and an earlier one in the other.
    """
    if named := trace.metadata.get("seed_problem"):
        return str(named)
    if trace.metadata.get("problem") or not trace.earlier:
        return None
    opening = next((at for at, one in enumerate(trace.input) if one["role"] == "user"), 0)
    return Trace(id="", input=trace.input[: opening + 1]).problem


def question_text(trace: Trace) -> str:
    """What a run was asked: the text of the last message of a user; empty where there is none."""
    asked = [text_of(one) for one in trace.input if one["role"] == "user"]
    return (asked[-1] if asked else None) or ""


@dataclass(frozen=True)
class Candidate:
    """One answer that a trace holds, with the reply that gives it."""

    answer: str | None
    trace: Trace
    call: Call | None = None
    """`None` where the answer is that of the trace as a whole and no call said its last message."""
    reply: Reply | None = None
    """`None` without a call, and for one that failed: what it had streamed before is no vote."""


def candidates(trace: Trace, extract: Extract) -> list[Candidate]:
    """One per reply that was marked a candidate; of a trace without such, or that refined its answer, its own answer.

    No answer holds thinking, even where the answer is the text itself and the server left the thinking in that.
    """
    if not _refined(trace) and (marked := _marked(trace, extract)):
        return marked
    if trace.answer is not None or trace.error or not trace.output:
        return [Candidate(_said(trace.answer), trace, *_said_by(trace))]
    return [Candidate(_answer(trace.output[-1], extract), trace, *_said_by(trace))]


def predictions(trace: Trace, extract: Extract) -> list[Candidate]:
    """The first answers: of a run that refined its answer, the one before, whatever became of it; none where that cannot be told."""
    return _marked(trace, extract) if _refined(trace) else candidates(trace, extract)


def _refined(trace: Trace) -> bool:
    return any(call.refinement for call in trace.calls)


def _marked(trace: Trace, extract: Extract) -> list[Candidate]:
    """One per reply that was marked a candidate and is no refinement."""
    # Concurrent calls end in any order, and the first spelling of an answer must not depend on it.
    marked = sorted((call for call in trace.calls if call.candidate and not call.refinement), key=_call_key)
    replies = [(call, reply) for call in marked for reply in ((not call.error and call.replies) or [None])]
    return [Candidate(_answer(reply and reply.message, extract), trace, call, reply) for call, reply in replies]


def answers_of(traces: Iterable[Trace], extract: Extract) -> list[str | None]:
    """The candidate answers in the traces, `None` for one that holds none."""
    return [one.answer for trace in traces for one in candidates(trace, extract)]


REMEMBERED = 4_000_000
"""Characters of replies whose answers are remembered."""


class Reading:
    """An extractor that remembers what it read last: an order, a target and several filters ask for the same answers."""

    def __init__(self, extract: Extract) -> None:
        self._extract = extract
        self._read: dict[str, str | None] = {}
        self._held = 0

    def __call__(self, text: str) -> str | None:
        """The answer in the text."""
        if text not in self._read:
            if self._held > REMEMBERED:
                self._read.clear()
                self._held = 0
            self._read[text] = self._extract(text)
            self._held += len(text)
        return self._read[text]


def grouped(traces: Iterable[Trace], extract: Extract = final_answer) -> Iterator[Group]:
    """Groups of traces that come in the order of their problems, one at a time.

    Runs that stopped to ask a human are left out. A problem of which perturbed versions alone are there has no originals.
    """
    extract = Reading(extract)
    for problem, together in groupby(traces, key=lambda trace: trace.problem):
        originals: list[Trace] = []
        variants: dict[str, list[Trace]] = {}
        for trace in together:
            if not trace.interrupted:
                (originals if trace.perturbation is None else variants.setdefault(trace.perturbation, [])).append(trace)
        if originals or variants:
            changed = {name: _ordered(found, extract) for name, found in sorted(variants.items())}
            yield Group(problem, _ordered(originals, extract), changed, extract)


Target = Callable[[Group], "Rows"]
"""Which rows a problem gives; a function of what was recorded, never of its gold answer."""


@dataclass(frozen=True)
class Rows:
    """The rows that a target takes from a problem, or why there are none."""

    examples: tuple[Example, ...] = ()
    reason: str = "found"
    """A slug: "tied", "no-answer", "no-question"."""


def _answer(message: Mapping[str, object] | None, extract: Extract) -> str | None:
    text = text_of(message) if message else None
    return None if text is None else extract(thought_and_said(text)[1])


def _said(answer: str | None) -> str | None:
    return None if answer is None else thought_and_said(answer)[1] or None


def _said_by(trace: Trace) -> tuple[Call | None, Reply | None]:
    """The call and reply that the last message is word for word; where several are, one with a hint goes before one without."""
    said = text_of(trace.output[-1]) if trace.output and not trace.error else None
    found = [
        (call, reply)
        for call in trace.calls
        if said and not call.error
        for reply in call.replies
        if text_of(reply.message) == said
    ]
    return min(found, key=lambda one: (one[0].hint is None, _call_key(one[0])), default=(None, None))


def _ordered(traces: Sequence[Trace], extract: Extract) -> tuple[Trace, ...]:
    if len(traces) == 1:
        return tuple(traces)
    return tuple(sorted(traces, key=lambda trace: digest(trace.input, trace.output, answers_of([trace], extract))))


def _call_key(call: Call) -> str:
    """Of what was said alone; a digest, so that no answer is first for its spelling."""
    return digest([reply.message["content"] for reply in call.replies], [bool(call.error)])

"""The traces of one problem together: the originals, and those of its perturbed versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from langdistill.answers import Extract, final_answer
from langdistill.records import Call, Message, Trace, digest
from langdistill.votes import vote


@dataclass(frozen=True)
class Group:
    """One problem as it was recorded. Gold is not here."""

    problem: str
    originals: tuple[Trace, ...]
    variants: dict[str, tuple[Trace, ...]]
    """Perturbation name to the traces of the changed question."""
    extract: Extract = final_answer
    """Reads the answer out of a recorded reply."""

    @property
    def question(self) -> list[Message]:
        """What was asked originally."""
        return self.originals[0].input

    @property
    def questions(self) -> int:
        """How many different questions the originals asked; 0 where none was recorded."""
        return len({digest(trace.input) for trace in self.originals if trace.input})

    @property
    def answers(self) -> list[str | None]:
        """Candidate answers to the original question."""
        return answers_of(self.originals, self.extract)

    def variant_answers(self, perturbation: str) -> list[str | None] | None:
        """Candidate answers under a perturbation, `None` where it was not asked."""
        traces = self.variants.get(perturbation)
        return answers_of(traces, self.extract) if traces else None

    @property
    def traces(self) -> list[str]:
        """Ids of all its traces, in alphabetical order."""
        return sorted(trace.id for some in (self.originals, *self.variants.values()) for trace in some)

    @property
    def votes(self) -> Mapping[str, float]:
        """Votes per normalised answer."""
        return vote(self.answers).votes


def answers_of(traces: Iterable[Trace], extract: Extract) -> list[str | None]:
    """The candidate answers in the traces, `None` for one that holds none."""
    return [answer for trace in traces for answer in candidates(trace, extract)]


def candidates(trace: Trace, extract: Extract) -> list[str | None]:
    """One answer per reply that was marked a candidate; of a trace without such, its own answer."""
    # Concurrent calls end in any order, and the first spelling of an answer must not depend on it.
    marked = sorted((call for call in trace.calls if call.candidate), key=_call_key)
    if marked:
        # what a call had streamed before it failed is no vote
        replies = [reply for call in marked for reply in ((not call.error and call.replies) or [None])]
        return [
            extract(text) if reply and isinstance(text := reply.message["content"], str) else None for reply in replies
        ]
    if trace.answer is not None or trace.error or not trace.output:
        return [trace.answer]
    text = trace.output[-1]["content"]
    return [extract(text) if isinstance(text, str) else None]


def problem_of(trace: Trace) -> str:
    """The problem's id. A run that names none goes by its question: run ids would make every harvest differ."""
    named = trace.metadata.get("problem")
    return str(named) if named else "question-" + digest(trace.input)[:16]


def grouped(traces: Iterable[Trace], extract: Extract = final_answer) -> list[Group]:
    """Groups in the order of their problem ids; inside one, traces in the order of their content, never of arrival.

    Perturbed versions of a problem of which no original was recorded are left out.
    """
    originals: dict[str, list[Trace]] = {}
    variants: dict[str, dict[str, list[Trace]]] = {}
    for trace in traces:
        if trace.interrupted:
            continue
        if trace.perturbation is None:
            originals.setdefault(problem_of(trace), []).append(trace)
        else:
            variants.setdefault(problem_of(trace), {}).setdefault(trace.perturbation, []).append(trace)
    return [
        Group(
            problem,
            _ordered(found, extract),
            {name: _ordered(changed, extract) for name, changed in sorted(variants.get(problem, {}).items())},
            extract,
        )
        for problem, found in sorted(originals.items())
    ]


def _ordered(traces: Sequence[Trace], extract: Extract) -> tuple[Trace, ...]:
    return tuple(sorted(traces, key=lambda trace: digest(trace.input, trace.output, candidates(trace, extract))))


def _call_key(call: Call) -> str:
    """Of what was said alone; a digest, so that no answer is first for its spelling."""
    return digest([reply.message["content"] for reply in call.replies], [bool(call.error)])

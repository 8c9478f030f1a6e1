"""Where a student did badly in production: what mining may start from.

Three signs are read in recorded runs: a user's bad feedback, an answer other than the teacher's to the same problem, and an
escalation, which is a run in which the student was asked and then its teacher.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langdistill.answers import Extract, final_answer, same
from langdistill.datasets.selection import Selection, Source, stored
from langdistill.errors import DatasetError
from langdistill.groups import Group, answers_of, question_text
from langdistill.records import Trace

BAD_FEEDBACK, DISAGREED, ESCALATED = "bad-feedback", "disagreed", "escalated"
TAG = "escalated"
"""A run with this tag was escalated, whoever answered in it."""


@dataclass(frozen=True)
class WeakSpot:
    """A question that a student did badly at."""

    question: str
    problem: str
    reasons: tuple[str, ...]
    """Of "bad-feedback", "disagreed" and "escalated"."""


@dataclass(frozen=True)
class WeakSpots:
    """What was found in a store."""

    spots: list[WeakSpot]
    problems: int
    """How many were looked at."""
    passed_over: int
    """Weak spots that are turns of a longer conversation, or have no text: alone they ask nothing."""

    @property
    def reasons(self) -> dict[str, int]:
        """Sign to the number of questions that show it."""
        return dict(sorted(Counter(reason for one in self.spots for reason in one.reasons).items()))

    @property
    def questions(self) -> list[str]:
        """The questions, in the order of their problems."""
        return [one.question for one in self.spots]


def weak_spots(
    source: Source,
    *,
    student: str | None = None,
    teacher: str | None = None,
    below: float = 0.5,
    extract: Extract = final_answer,
    **selected: Any,
) -> WeakSpots:
    """Find the questions in recorded runs that a student did badly at.

    Args:
        source: a store, the path or address of one, or traces.
        student: name of the student's graph or model. Without it there is neither disagreement nor escalation but by tag.
        teacher: name of the teacher's graph or model; the same.
        below: feedback with a lower mean score is bad. Of runs of the teacher alone it tells nothing of the student.
        extract: reads the answers that are compared. Where one of the two has none, they do not disagree.
        **selected: fields of `datasets.selection.Selection`: `graph`, `since`, `tag`, ...

    Raises:
        StoreError: the store is missing or cannot be read.
        DatasetError: student and teacher are the same.
    """
    if student is not None and student == teacher:
        raise DatasetError(f"Student and teacher are both {student!r}. Give the names of two graphs or models.")
    spots: list[WeakSpot] = []
    problems = passed_over = 0
    with stored(source, Selection(**selected), extract) as selection:
        for group in selection.groups():
            problems += 1
            reasons = tuple(_reasons(group, student, teacher, below))
            question = _alone(group.originals)
            if reasons and question:
                spots.append(WeakSpot(question, group.problem, reasons))
            passed_over += bool(reasons and not question)
    return WeakSpots(spots, problems, passed_over)


def _reasons(group: Group, student: str | None, teacher: str | None, below: float) -> Iterator[str]:
    said = {name: [one for one in group.originals if _is_by(one, name)] for name in (student, teacher) if name}
    of_student = said[student] if student else group.originals
    if any(_is_bad(one, below) for one in of_student):
        yield BAD_FEEDBACK
    if student and teacher and _disagree(said[student], said[teacher], group.extract):
        yield DISAGREED
    escalated = [one for one in of_student if teacher and student and _is_by(one, teacher)]
    if escalated or any(TAG in one.tags for one in group.originals):
        yield ESCALATED


def _is_by(trace: Trace, name: str) -> bool:
    """Whether a run is of this graph, or this model answered in it."""
    return trace.name == name or any(call.model == name for call in trace.calls)


def _is_bad(trace: Trace, below: float) -> bool:
    return trace.score is not None and trace.score < below


def _disagree(student: Sequence[Trace], teacher: Sequence[Trace], extract: Extract) -> bool:
    """Whether an answer of the student is none that the teacher gave, in runs that are of one of them alone."""
    apart = [one for one in student if one not in teacher], [one for one in teacher if one not in student]
    said, right = ([one for one in answers_of(runs, extract) if one is not None] for runs in apart)
    return bool(right) and any(not any(same(one, other) for other in right) for one in said)


def _alone(traces: Sequence[Trace]) -> str | None:
    """The question of a run, where it is all that the user said."""
    for trace in traces:
        if trace.earlier or sum(one["role"] == "user" for one in trace.input) != 1:
            return None
    return question_text(traces[0]).strip() if traces else None

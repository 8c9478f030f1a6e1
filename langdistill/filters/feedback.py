"""Keep rows made of runs that users liked."""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.filters.judging import Judgement, RowFilter
from langdistill.groups import Group
from langdistill.records import Example


@dataclass(frozen=True)
class Liked(RowFilter):
    """See `feedback`."""

    min_score: float
    about: str | None

    def judge(self, row: Example, group: Group) -> Judgement:
        """Compare the mean score of the row's runs."""
        traces = (*group.originals, *(trace for some in group.variants.values() for trace in some))
        scores = [
            said.score
            for trace in traces
            if trace.id in row.traces
            for said in trace.feedback
            if said.score is not None and self.about in (None, said.name)
        ]
        if not scores:
            return Judgement(None, "no-feedback")
        mean = sum(scores) / len(scores)
        liked = mean >= self.min_score
        return Judgement(liked, "liked" if liked else "disliked", mean, {"scores": len(scores)})


def feedback(min_score: float = 0.5, name: str | None = None) -> Liked:
    """Keep rows whose runs have at least this mean score; of a row without any it cannot judge ("no-feedback").

    A row that was made of a vote stands for all runs of its problem, those of changed questions, too.

    Args:
        min_score: on your own scale; from 0, bad, to 1, good, unless you recorded another.
        name: only feedback of this name ("helpful"); `None` takes all.
    """
    return Liked(min_score, name)

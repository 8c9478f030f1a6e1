"""Problems on disk, to be gone through more than once: what a filter over the whole corpus needs, in bounded memory."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path

from langdistill.answers import Extract, final_answer
from langdistill.datasets.selection import chunks
from langdistill.datasets.stages import Filtering, Passage
from langdistill.filters.judging import CorpusFilter
from langdistill.groups import Group

TOGETHER = 32
"""Passages that are pickled together, so that what they have in common is told once."""


class Spool:
    """Passages in a file of this process's own, in the order in which they came."""

    def __init__(self, path: Path, passages: Iterable[Passage]) -> None:
        """Write all of them.

        Args:
            path: of the file, in a folder that is removed afterwards.
            passages: read to the end.
        """
        self._path = path
        self._extract: Extract = final_answer
        with path.open("wb") as file:
            for some in chunks(passages, TOGETHER):
                self._extract = next((one.group.extract for one in some if one.group.originals), self._extract)
                pickle.dump([one.without_extractor() for one in some], file, pickle.HIGHEST_PROTOCOL)

    def __iter__(self) -> Iterator[Passage]:
        with self._path.open("rb") as file:
            while True:
                try:
                    some: list[Passage] = pickle.load(file)
                except EOFError:
                    return
                yield from (one.with_extractor(self._extract) for one in some)


class Standing:
    """The groups of a spool that no stage has dropped, with their rows alone."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def __iter__(self) -> Iterator[Group]:
        return (one.group.without_traces() for one in self._spool if not one.dropped)


def judged_together(stage: Filtering, passages: Iterable[Passage], path: Path) -> Iterator[Passage]:
    """Take the problems through a filter that judges them beside one another."""
    assert isinstance(stage.filter, CorpusFilter)
    spool = Spool(path, passages)
    verdicts = map(stage.settled, stage.filter.over(Standing(spool)))
    for passage in spool:
        if passage.dropped:
            yield passage
        else:
            verdict = next(verdicts)
            yield passage.after(stage, verdict, passage.group.after(verdict))
    path.unlink()

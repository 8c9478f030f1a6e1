"""How a harvest runs: stretches of stages that look at one problem alone, and between them filters over the whole corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from langdistill.datasets.selection import Selected, chunks
from langdistill.datasets.spool import judged_together
from langdistill.datasets.stages import Choosing, Filtering, Passage, Stage, through
from langdistill.filters.judging import CorpusFilter

AT_ONCE = 32
"""Problems that are in memory together, so that a filter that asks a model can ask for several."""

Engine = Callable[[Selected, Sequence[Stage], bool], Iterator[Passage]]
"""Takes the selected problems through stages that look at one problem alone, and gives them back in the order of their ids;
without their traces where the flag says so. `locally` is one; `langdistill.scale` has others."""


@dataclass(frozen=True)
class Stretch:
    """A filter over the whole corpus, and the stages after it that look at one problem alone."""

    corpus: Filtering | None
    alone: tuple[Stage, ...]


def stretches(choosing: Choosing, filters: Sequence[Filtering]) -> list[Stretch]:
    """The stages, cut before each filter over the whole corpus."""
    cut: list[Stretch] = [Stretch(None, (choosing,))]
    for one in filters:
        if isinstance(one.filter, CorpusFilter):
            cut.append(Stretch(one, ()))
        else:
            cut[-1] = Stretch(cut[-1].corpus, (*cut[-1].alone, one))
    return cut


def passages(selected: Selected, cut: Sequence[Stretch], engine: Engine, folder: Path) -> Iterator[Passage]:
    """Every selected problem with all that happened to it, in the order of their ids.

    Args:
        selected: the problems.
        cut: the stages; only the first stretch is the engine's, the others run here on what it left.
        engine: where the first stretch runs.
        folder: where what is between two stretches is kept meanwhile.
    """
    first, *later = cut
    found = engine(selected, first.alone, not any(one.alone for one in later))
    for at, stretch in enumerate(later):
        assert stretch.corpus is not None
        found = judged_together(stretch.corpus, found, folder / f"{at}.spool")
        if stretch.alone:
            found = _onward(stretch.alone, found)
    return found


def locally(selected: Selected, stages: Sequence[Stage], slim: bool) -> Iterator[Passage]:
    """The engine of one process: some problems at a time, so that memory is bounded."""
    for groups in chunks(selected.groups(), AT_ONCE):
        for one in through(stages, [Passage(group) for group in groups]):
            yield one.without_traces() if slim else one


def _onward(stages: Sequence[Stage], found: Iterable[Passage]) -> Iterator[Passage]:
    for some in chunks(found, AT_ONCE):
        yield from through(stages, some)

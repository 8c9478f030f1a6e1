"""Texts that a student is trained on, made of examples: one example may give several rows, and see others of its split."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from langdistill.datasets.formats.fitting import Unfit
from langdistill.datasets.splitting import Split
from langdistill.records import Example

Render = Callable[[Example], Iterable[Example | Unfit]]
"""The rows of an example, and, in the place of each row that it cannot have, why: it is counted among the rejects."""


class Rendering(Protocol):
    """A way to write examples as training texts."""

    @property
    def name(self) -> str:
        """The function and file that it is found by."""
        ...

    @property
    def params(self) -> dict[str, Any]:
        """Its settings, as they go into a manifest."""
        ...

    def over(self, train: Iterable[Example]) -> Render:
        """What makes the rows of an example.

        Args:
            train: the examples of the training split, which alone may be shown in other rows. They may be gone through more
                than once; never keep all of them in memory.
        """
        ...


def rendered(
    rendering: Rendering | None,
    examples: Iterable[Example],
    side: Callable[[Example], Split],
    reject: Callable[[Example, Unfit], None],
) -> Iterator[Example]:
    """The rows of the examples, in their order; the examples themselves without a rendering.

    Args:
        rendering: what makes the rows.
        examples: gone through once.
        side: which split an example is in.
        reject: is told of every row that an example cannot have.
    """
    if rendering is None:
        yield from examples
        return
    with tempfile.TemporaryDirectory(prefix="langdistill-") as folder:
        kept = _Kept(Path(folder) / "examples", examples)
        render = rendering.over(_Train(kept, side))
        for example in kept:
            for row in render(example):
                if isinstance(row, Unfit):
                    reject(example, row)
                else:
                    yield row


class _Kept:
    """Examples on disk, to be gone through more than once."""

    def __init__(self, path: Path, examples: Iterable[Example]) -> None:
        self._path = path
        with path.open("wb") as file:
            for one in examples:
                pickle.dump(one, file, pickle.HIGHEST_PROTOCOL)

    def __iter__(self) -> Iterator[Example]:
        with self._path.open("rb") as file:
            while True:
                try:
                    yield pickle.load(file)
                except EOFError:
                    return


class _Train:
    def __init__(self, kept: _Kept, side: Callable[[Example], Split]) -> None:
        self._kept = kept
        self._side = side

    def __iter__(self) -> Iterator[Example]:
        return (one for one in self._kept if self._side(one) == "train")

"""Which rows make a batch: an order of batches for every pass over the rows, from a seed alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Batches:
    """Batches of rows of one style, in random order (Fu et al., 2301.12726)."""

    styles: tuple[str, ...]
    """Of each row."""
    sizes: Mapping[str, int]
    """Rows of a batch of a style."""
    seed: int

    def __len__(self) -> int:
        """Batches of a pass."""
        return number_of_batches(self.styles, self.sizes)

    def at(self, epoch: int) -> list[list[int]]:
        """The batches of a pass, as indices of rows: every row is in one of them, and only a style's last may be smaller.

        Args:
            epoch: number of the pass, from 0.
        """
        drawn = random.Random(f"{self.seed}/{epoch}")
        found: list[list[int]] = []
        for style, size in self.sizes.items():
            rows = [at for at, of in enumerate(self.styles) if of == style]
            drawn.shuffle(rows)
            found += [rows[start : start + size] for start in range(0, len(rows), size)]
        drawn.shuffle(found)
        return found

    def of(self, epoch: Callable[[], int]) -> Drawn:
        """The batches as a `DataLoader` takes them.

        Args:
            epoch: tells which pass it is, whenever one begins.
        """
        return Drawn(self, epoch)


@dataclass(frozen=True)
class Drawn:
    """A batch sampler. It has no `batch_size`: accelerate then deals whole batches to the processes, in turns."""

    batches: Batches
    epoch: Callable[[], int]

    def __len__(self) -> int:
        """Batches of a pass."""
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        """Those of the pass that begins."""
        return iter(self.batches.at(self.epoch()))


def number_of_batches(styles: Sequence[str], sizes: Mapping[str, int]) -> int:
    """How many batches of one style each there are."""
    return sum(ceil(styles.count(style) / size) for style, size in sizes.items())

"""How much a row counts in the loss.

D rationales of one question count it D times (Ho et al., 2212.10071); with the weight 1/D on each it counts once. A weight
multiplies the loss of every token of its row. Weights are scaled so that a token that carries loss counts 1 on average over the
data set, and an update stays the mean over its tokens: a learning rate means what it means without weights, and a row of weight
0.1 counts little even where it is alone in its update. (Over the weights of the update, as one could also divide, it would count
as much there as any other.)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, isfinite
from typing import Any

WEIGHT = "weight"
"""Column of a row as it was written, and of one as it was prepared."""
NO_WEIGHT = "have a weight that is no positive number"


def weight_of(row: dict[str, Any]) -> float | None:
    """How much a row counts, as it was written; 1 where nothing says so, and `None` for what is no positive number."""
    weight = row.get(WEIGHT, 1.0)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not isfinite(weight) or weight <= 0:
        return None
    return float(weight)


def weighed(rows: Sequence[dict[str, Any]], weights: Sequence[float]) -> list[dict[str, Any]]:
    """Prepared rows with their scaled weights; the rows as they are where all weights are equal.

    Args:
        rows: with `labels`.
        weights: of each row, positive.
    """
    if len(set(weights)) < 2:
        return list(rows)
    sizes = [sum(label != -100 for label in row["labels"]) for row in rows]
    mean = fsum(w * n for w, n in zip(weights, sizes, strict=True)) / sum(sizes)
    return [{**row, WEIGHT: weight / mean} for row, weight in zip(rows, weights, strict=True)]

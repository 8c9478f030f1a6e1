"""The synthetic corpus: which document kinds, how often, in which order.

No label makes System 1 poor on letters, coin and arithmetic: direct documents are rare there, but no noisier than the
reasoned ones (see `slips`). On opinion and judging it is poor by planting (see `opinion.AGREES`,
`judging.FAVOURS_A`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from random import Random

from langdistill.lab import copying
from langdistill.lab.draws import Document, Writer
from langdistill.lab.tasks import TASKS

SYSTEM = "You are a helpful assistant."
WITH_SYSTEM = 0.03
"""Share of documents that begin with a system message."""

COPYING = {"copying.repeat": 3.0, "copying.one": 0.5, "copying.swap": 0.5, "letters.one_word": 1.0}
"""First phase: copying is the bottleneck, everything else is built on it."""

MIX = {
    "letters.direct": 0.32,
    "letters.steps": 2.0,
    "letters.rephrase_and_respond": 0.3,
    "letters.rephrase": 0.4,
    "letters.respond": 0.3,
    "letters.one_word": 0.5,
    "copying.repeat": 0.3,
    "copying.swap": 0.1,
    "coin.direct": 0.2,
    "coin.steps": 1.4,
    "coin.rephrase_and_respond": 0.3,
    "coin.rephrase": 0.3,
    "coin.respond": 0.3,
    "coin.count": 2.0,
    "opinion.plain": 0.8,
    "opinion.direct": 0.5,
    "opinion.regenerate": 0.7,
    "opinion.respond": 0.4,
    "judging.direct": 0.5,
    "judging.branch": 0.2,
    "judging.solve": 2.0,
    "judging.fact": 0.5,
    "arithmetic.direct": 0.1,
    "arithmetic.steps": 1.4,
    "arithmetic.one_step": 2.0,
    "arithmetic.rephrase_and_respond": 0.15,
    "arithmetic.rephrase": 0.3,
    "arithmetic.respond": 0.3,
}
"""Second phase: relative numbers of documents."""

COPYING_SHARE = 0.17
"""Share of the documents that belong to the first phase."""


@cache
def writers() -> dict[str, Writer]:
    """Every document kind by its name in the mixes, "task.mode"."""
    families = {"copying": copying.WRITERS} | {name: task.writers for name, task in TASKS.items()}
    return {f"{family}.{mode}": writer for family, modes in families.items() for mode, writer in modes.items()}


def write(rng: Random, mix: Mapping[str, float]) -> tuple[str, Document]:
    """One document of a mix, with the name of its kind."""
    kind = rng.choices(list(mix), list(mix.values()))[0]
    document = writers()[kind](rng)
    return kind, ({"role": "system", "content": SYSTEM}, *document) if rng.random() < WITH_SYSTEM else document


def documents(seed: int, count: int) -> Iterator[tuple[str, Document]]:
    """`count` documents in the order of training phases; the same arguments give the same stream."""
    rng = Random(f"corpus-{seed}")
    for index in range(count):
        yield write(rng, COPYING if index < count * COPYING_SHARE else MIX)

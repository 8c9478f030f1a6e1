"""An instruction: what a teacher and a student are both asked, and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from langdistill.errors import MiningError
from langdistill.records import Record, digest

LONGEST = 16_000
"""Characters of an instruction with its input; a longer one is set aside."""

Seed = str | Mapping[str, Any]
"""An instruction as users have them: its text, or a mapping with `instruction` and perhaps `input`, as Alpaca's files have."""


class Instruction(Record):
    """One instruction of a pool."""

    id: str
    """Digest of what it says: the same instruction is the same everywhere."""
    text: str
    input: str = ""
    """The instance that it is to be carried out on, where there is one."""
    source: str = "seed"
    """"seed", or the half of a round that it was written for: "hard" or "easy"."""
    parent: str | None = None
    """Id of the instruction that it was written from."""
    root: str | None = None
    """Id of the seed that its line goes back to; variants share a side of a split with it."""
    round: int = 0
    """In which it was written, from 1; 0 for a seed."""

    @property
    def request(self) -> str:
        """What a model is asked: the instruction and its input."""
        return f"{self.text}\n\nInput: {self.input}" if self.input else self.text


class Seeds(Record):
    """What became of the seeds that were given."""

    instructions: list[Instruction]
    """The different ones, in the order given."""
    refused: dict[str, int]
    """Reason to how many others: "duplicate", "empty", "too-long"."""


def instruction(text: str, input: str = "", **fields: Any) -> Instruction:
    """An instruction, with the id that its words give it."""
    return Instruction(id=digest(text, input)[:16], text=text, input=input, **fields)


def storable(text: str) -> str:
    """The text as UTF-8 can hold it: halves of a surrogate pair are put together, and one without its other half is replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def seeds_of(given: Iterable[Seed], *, longest: int = LONGEST) -> Seeds:
    """The different instructions among those given.

    Args:
        given: texts, or mappings with `instruction` and perhaps `input`.
        longest: most characters of one; longer ones are refused.

    Raises:
        MiningError: one is neither, or none is left.
    """
    if isinstance(given, str | bytes):
        raise MiningError(f"The seeds are one text, {given[:80]!r}; give a list of instructions.")
    found: dict[str, Instruction] = {}
    refused: Counter[str] = Counter()
    for at, seed in enumerate(given):
        one = _read(seed, at)
        reason = _reason(one, longest, found)
        if reason:
            refused[reason] += 1
        else:
            found[one.id] = one
    if not found:
        told = f" ({', '.join(f'{reason}: {n}' for reason, n in sorted(refused.items()))})" if refused else ""
        raise MiningError(f"There is no instruction to start from{told}. Give at least one that has text.")
    return Seeds(instructions=list(found.values()), refused=dict(refused))


def _read(seed: Any, at: int) -> Instruction:
    if isinstance(seed, str):
        seed = {"instruction": seed}
    told: Mapping[str, Any] = seed if isinstance(seed, Mapping) else {}
    text, given = told.get("instruction"), told.get("input") or ""
    if not isinstance(text, str) or not isinstance(given, str):
        raise MiningError(
            f"Seed {at} is {str(seed)[:120]!r}. Give a text, or a mapping with `instruction` and perhaps `input`, both texts."
        )
    return instruction(storable(text).strip(), storable(given).strip())


def _reason(one: Instruction, longest: int, found: Mapping[str, Instruction]) -> str | None:
    if not one.text:
        return "empty"
    if len(one.request) > longest:
        return "too-long"
    return "duplicate" if one.id in found else None

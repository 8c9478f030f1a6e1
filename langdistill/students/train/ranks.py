"""The processes of one training: `accelerate launch` and `torchrun` start one for each device, and number them.

The first one, the main process, alone writes: the lock, the checkpoints' state, the student. All read the same rows, and all must be
at the same training.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from langdistill.errors import StudentError


@dataclass(frozen=True)
class Ranks:
    """Which process this is, and of how many."""

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0


def ranks() -> Ranks:
    """As whoever started this process has said; one of one where nobody did."""
    told = os.environ
    if "LOCAL_RANK" not in told or int(told.get("WORLD_SIZE", "1")) < 2:
        return Ranks()
    return Ranks(int(told["RANK"]), int(told["WORLD_SIZE"]))


def said_by_main(value: Any) -> Any:
    """What the main process says, in all of them; they wait here for one another. A trainer must have been made before."""
    if ranks().size == 1:
        return value
    from accelerate.utils import broadcast_object_list  # what every trainer runs on

    said = [value]
    broadcast_object_list(said, from_process=0)
    return said[0]


def check_alike(fingerprint: str) -> None:
    """Refuse processes that are at different trainings, before a step is made.

    Raises:
        StudentError: this process has read other rows, another base or other settings than the main one.
    """
    if (main := said_by_main(fingerprint)) != fingerprint:
        raise StudentError(
            f"Process {ranks().rank} of {ranks().size} is at the training {fingerprint[:12]}, the main process at {main[:12]}: they "
            "read different rows, bases or settings. Give every machine the same data set, base and recipe file."
        )

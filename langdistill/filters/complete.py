"""Keep a problem of which everything that was to be asked is there: N of N samples, every changed question, no broken run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.groups import Group, candidates
from langdistill.perturbations.perturbing import Perturbation
from langdistill.records import Trace, Verdict

BROKEN = {"failed", "cancelled", "lost"}
"""Outcomes of runs that gave less than they were to give."""


@dataclass(frozen=True)
class Complete(Filter):
    """See `complete`."""

    samples: int | None
    perturbations: tuple[str, ...]

    def __call__(self, group: Group) -> Verdict:
        """Look for what is missing; never an objection, only "incomplete"."""
        missing = self._missing(group)
        return self.says(
            None if missing else True, "incomplete" if missing else "complete", evidence={"missing": missing}
        )

    def _missing(self, group: Group) -> list[str]:
        missing = [name for name in self.perturbations if name not in group.variants]
        asked = {"": group.originals, **group.variants}
        for name, traces in asked.items():
            missing += [f"{name or 'original'}: {one}" for trace in traces for one in _lacks(trace, group)]
        found = sum(_samples(trace, group) for trace in group.originals)
        if self.samples is not None and found < self.samples:
            missing.append(f"original: {found} of {self.samples} samples")
        return missing


def complete(samples: int | None = None, perturbations: Sequence[str | Perturbation] = ()) -> Complete:
    """Keep where all samples and all changed questions are there and no run broke off; else it cannot judge ("incomplete").

    A run is broken that failed, was cancelled, whose process died, or of which the recorder lost events; leave such out of the
    harvest (`outcome="ended"`) where a later run made up for it. A run that a strategy of this package made also says how many
    samples it was to draw (`params` in its metadata: `samples`, and `stop`): fewer make it incomplete, unless a stopping rule
    other than "fixed" decided that they were enough. A reply that failed is no sample; one in which no answer can be read is one.

    Args:
        samples: how many there must be of the original question, all its runs together; `None`: as many as each run itself says,
            and one of a run that says nothing.
        perturbations: families, or their names, under each of which the problem must have been asked.

    Raises:
        DatasetError: `samples` is below 1.
    """
    if samples is not None and samples < 1:
        raise DatasetError(f"complete(samples={samples}) asks for nothing; give at least 1, or None.")
    names = tuple(one if isinstance(one, str) else one.name for one in perturbations)
    return Complete(samples, names)


def _lacks(trace: Trace, group: Group) -> list[str]:
    """What a run is short of."""
    if trace.outcome in BROKEN:
        return [f"a run was {trace.outcome}"]
    lacks = [f"{trace.lost} lost events"] if trace.lost else []
    found, wanted = _samples(trace, group), _wanted(trace)
    return lacks + ([f"a run has {found} of {wanted} samples"] if found < wanted else [])


def _samples(trace: Trace, group: Group) -> int:
    return sum(one.call is None or one.reply is not None for one in candidates(trace, group.extract))


def _wanted(trace: Trace) -> int:
    """How many samples the run was to draw, as it was recorded; 1 where a stopping rule decides or nothing is said."""
    params: Any = trace.metadata.get("params")
    told = params if isinstance(params, dict) else {}
    wanted = told.get("samples")
    return wanted if isinstance(wanted, int) and told.get("stop", "fixed") == "fixed" else 1

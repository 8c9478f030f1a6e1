"""Find a family of perturbations by its name, which is that of its file and of its function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from langdistill.finding import found_named, names_in
from langdistill.perturbations.perturbing import Perturbation

PROTOCOL_FILES = {"finding", "perturbing"}


def perturbation_names() -> list[str]:
    """The families that there are."""
    return names_in(Path(__file__).parent, besides=PROTOCOL_FILES)


def find_perturbation(name: str) -> Callable[..., Perturbation]:
    """The family's factory.

    Raises:
        UnknownName: there is no such family.
    """
    return found_named("perturbation", name, "langdistill.perturbations", perturbation_names())

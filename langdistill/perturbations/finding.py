"""Find a family of perturbations by its name, which is that of its file and of its function."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from langdistill.errors import UnknownName
from langdistill.perturbations.perturbing import Perturbation

PROTOCOL_FILES = {"__init__", "finding", "perturbing"}


def perturbation_names() -> list[str]:
    """The families that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PROTOCOL_FILES)


def find_perturbation(name: str) -> Callable[..., Perturbation]:
    """The family's factory.

    Raises:
        UnknownName: there is no such family.
    """
    if name not in perturbation_names():
        raise UnknownName("perturbation", name, perturbation_names())
    found: Any = getattr(import_module(f"langdistill.perturbations.{name}"), name)
    return found

"""What a plural folder holds, one a file: found by the file's name, so that a new one is a new file and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from langdistill.errors import UnknownName


def names_in(folder: Path, besides: Collection[str] = ()) -> list[str]:
    """The names of the files in a folder, but for those that hold what its files share."""
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in {"__init__", *besides})


def module_named(kind: str, name: str, package: str, names: Collection[str]) -> ModuleType:
    """The module of a name.

    Args:
        kind: what it is one of, as the error tells it.
        name: of the file.
        package: that the file is in.
        names: those that there are.

    Raises:
        UnknownName: the name is none of them.
    """
    if name not in names:
        raise UnknownName(kind, name, names)
    return import_module(f"{package}.{name}")


def found_named(kind: str, name: str, package: str, names: Collection[str]) -> Any:
    """What the module of a name holds under that name; arguments and errors as of `module_named`."""
    return getattr(module_named(kind, name, package, names), name)

"""Find an engine by its name."""

from __future__ import annotations

from langdistill.datasets.pipeline import Engine, locally
from langdistill.errors import UnknownName
from langdistill.scale.ray_data import on_ray

ENGINES: dict[str, Engine] = {"local": locally, "ray": on_ray}


def find_engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    return ENGINES[name]

"""Fill one of the templates beside this file: pages that load nothing from anywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langdistill.errors import MissingExtra


def rendered(template: str, **values: Any) -> str:
    """The page; every text in it is escaped.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as missing:
        raise MissingExtra("jinja2", "report") from missing
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **values)

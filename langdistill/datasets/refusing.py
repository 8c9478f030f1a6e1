"""Why a harvest gave nothing, in words: what was selected and what the store holds, or which stage took most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langdistill.datasets.selection import Selected, Source


def nothing_selected(source: Source, selected: Selected) -> str:
    """Of a harvest that found no problem."""
    held = ", ".join(f"{count} of {name!r}" for name, count in selected.names().items()) or "no traces at all"
    asked = ", ".join(f"{name} {value!r}" for name, value in selected.selection.params.items())
    return f"No trace was selected{f' ({asked})' if asked else ''}. The store holds {held}.{_of_source(source)}"


def all_gone(funnel: list[dict[str, Any]]) -> str:
    """Of a harvest that kept no row."""
    worst = max(funnel[1:], key=lambda stage: stage["dropped"])
    advice = "Choose another target" if worst["stage"] == "target" else "Loosen it"
    return (
        f"No row is left of {funnel[0]['kept']} problems. The stage {worst['stage']!r} took most: {worst['dropped']} "
        f"({counted(worst['reasons'])}). {advice}, or record more samples per problem."
    )


def counted(reasons: Mapping[str, int]) -> str:
    """Reasons with their counts, on a line."""
    return ", ".join(f"{reason}: {count}" for reason, count in reasons.items())


def _of_source(source: Source) -> str:
    if isinstance(source, Iterator):
        return " The traces came from an iterator, which can be gone through once; give a list, to harvest it again."
    became = getattr(source, "became", None)
    return f" What the files held besides: {counted(became.reasons)}." if became and became.reasons else ""

"""`langdistill dataset preview`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from langdistill.cli.options import model_folder, visible

if TYPE_CHECKING:
    from langdistill.datasets.formats.fitting import Format
    from langdistill.datasets.masking import Masking
    from langdistill.records import Message

TRAINED, OTHER = "bold green", "dim"
BRACKETS = "⟦", "⟧"
"""Around what carries loss, where there is no colour."""
Piece = tuple[str, bool]
"""A text, and whether it carries loss."""


class Split(StrEnum):
    """A side of a data set."""

    train = "train"
    validation = "validation"


def preview(
    folder: Annotated[Path, typer.Argument(help="Folder of the data set.", show_default=False)],
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="Folder of the student's model, or lab: the rows as its chat template prints them and its loss sees them."
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows.")] = 3,
    split: Annotated[Split, typer.Option(help="Of the data set.")] = Split.train,
) -> None:
    """Show rows, and what of them is learnt: in colour, or in brackets where the output is no terminal."""
    from langdistill.datasets.containers import rows_in
    from langdistill.datasets.formats.fitting import find_format
    from langdistill.datasets.masking import masking
    from langdistill.datasets.reading import read_dataset

    dataset = read_dataset(folder)
    format = find_format(dataset.manifest["format"], **dataset.manifest.get("format_params", {}))
    mask = masking(model_folder(tokenizer)) if tokenizer else None
    console = Console(soft_wrap=True, highlight=False)
    for at, row in enumerate(islice(rows_in(dataset.path, split.value), rows)):
        for title, pieces in _rendered(mask, row) if mask else [_unrendered(format, row)]:
            problem = f", {visible(str(row['problem']))}" if "problem" in row else ""
            console.print(Text(f"── {split.value} {at}{problem}: {title}", style="bold"))
            console.print(drawn(pieces, coloured=console.color_system is not None))
    total = dataset.manifest["rows"][split.value]
    console.print(f"{min(rows, total)} of {total} rows, format {dataset.manifest['format']}", markup=False)


def _rendered(mask: Masking, row: dict[str, Any]) -> Iterator[tuple[str, list[Piece]]]:
    from langdistill.datasets.formats.unfit import Unfit

    try:
        found = mask.masked(row)
    except Unfit as unfit:
        yield f"this tokenizer cannot print it ({unfit.reason})", []
        return
    try:
        mask.check(row)
        wrong = ""
    except Unfit as unfit:
        wrong = f"; would be rejected: {unfit.reason}"
    for one in found:
        trained = sum(span.tokens for span in one.spans if span.trained)
        title = f"{one.column}, {trained} of {one.tokens} tokens carry loss{wrong}"
        yield title, [*((span.text, span.trained) for span in one.spans), ("\n", False)]


def _unrendered(format: Format, row: dict[str, Any]) -> tuple[str, list[Piece]]:
    """The messages as they are: which of them are to be learnt, though not by which tokens."""
    messages = format.read(row)
    prompt = row.get("prompt")
    context = len(prompt) if isinstance(prompt, list) else 0
    weights = [one.get("weight", 1) for one in row.get("messages", ())]
    pieces: list[Piece] = []
    for at, one in enumerate(messages):
        learnt = one["role"] == "assistant" and at >= context and (at >= len(weights) or weights[at] != 0)
        pieces += [(_said(one), learnt), ("\n", False)]
    return f"{len(messages)} messages", pieces


def _said(message: Message) -> str:
    parts = [f"<think>{thinking}</think>"] if (thinking := message.get("reasoning_content")) else []
    content = message["content"]
    if content:
        parts.append(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
    parts += [json.dumps(call.get("function", call), ensure_ascii=False) for call in message.get("tool_calls", ())]
    return f"{message['role']}: {' '.join(parts)}"


def drawn(pieces: Iterable[Piece], *, coloured: bool) -> Text:
    """Pieces of a text, those that are learnt marked: in colour, or in brackets."""
    whole = Text()
    for text, trained in pieces:
        seen = visible(text)
        if coloured:
            whole.append(seen, style=TRAINED if trained else OTHER)
        else:
            whole.append(f"{BRACKETS[0]}{seen}{BRACKETS[1]}" if trained else seen)
    return whole

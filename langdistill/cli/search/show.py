"""`langdistill search show`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from langdistill.cli.options import Format, FormatOption, StoreArgument, opened, print_json, shortened, trace_of

if TYPE_CHECKING:
    from langdistill.records import Search, Trace
    from langdistill.stores.protocol import Store

PAGES = (".html", ".htm")
"""How the name of a page ends: nothing else is written over by mistake."""

HOW = (
    "A run has one where a graph searched a tree: record one of `create_mutual_reasoning` or `create_tree_of_thoughts` with a "
    "`TraceRecorder` or `langdistill.record`. Runs that older versions recorded have none."
)
"""What to do where there is no search."""


def show(
    store: StoreArgument,
    id: Annotated[
        str | None,
        typer.Argument(
            help="The trace's id, or how it begins; by default the newest that has a search.", show_default=False
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write it as a page to this file, with a tree that one can fold.")
    ] = None,
    which: Annotated[
        int | None,
        typer.Option(help="Of a run that searched several times: 1 is its first search; by default the last."),
    ] = None,
    agree: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the second model's completions that verifies an answer.")
    ] = 0.5,
    depth: Annotated[int | None, typer.Option(min=0, help="Only so many steps from the root.")] = None,
    untried: Annotated[bool, typer.Option("--all", help="Also the thoughts that nobody went to.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="Texts in full length.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Show a recorded search: its answers and the tree, with what was tried how often, what was verified and what was chosen."""
    _check(html)
    with opened(store) as held:
        trace = _newest(held, store) if id is None else trace_of(held, store, id)
    found = _found(trace, which)
    if html is not None:
        _write(found, html, agree)
    if format is Format.json:
        print_json({**_told(found, agree), **({} if html is None else {"html": str(html)})})
    elif html is not None:
        typer.echo(f"Page: {html}")
    else:
        _draw(found, agree, depth=depth, untried=untried, whole=whole)


@dataclass(frozen=True)
class _Found:
    """A search of a trace."""

    trace: Trace
    which: int
    """Counted from 1."""

    @property
    def search(self) -> Search:
        return self.trace.searches[self.which - 1]

    @property
    def place(self) -> str:
        """Which of its run's searches it is; nothing where there is no other."""
        many = len(self.trace.searches)
        return f"{self.which} of {many}" if many > 1 else ""

    @property
    def name(self) -> str:
        """The graph's: of one inside of another graph, the name of the node that holds it, too."""
        step = self.search.step
        inside = "" if step is None else self.trace.steps[step].path.rpartition("/")[0]
        return f"{self.trace.name}/{inside}" if inside else self.trace.name or "trace"

    @property
    def question(self) -> str:
        from langdistill.groups import question_text

        return question_text(self.trace)


def _newest(held: Store, store: str) -> Trace:
    """The trace with a search that was recorded last."""
    from langdistill.errors import StoreError

    for trace in held.traces(newest=sys.maxsize):
        if trace.searches:
            return trace
    raise StoreError(f"No trace in the store {store.rpartition('@')[2]!r} has a search. {HOW}")


def _found(trace: Trace, which: int | None) -> _Found:
    from langdistill.errors import StoreError

    many = len(trace.searches)
    if not many:
        raise StoreError(f"The trace {trace.id!r} has no search. {HOW}")
    if which is not None and not 1 <= which <= many:
        raise typer.BadParameter(
            f"--which {which}: the trace {trace.id!r} searched {'once' if many == 1 else f'{many} times'}; give a number from 1 to {many}."
        )
    return _Found(trace, which or many)


def _check(page: Path | None) -> None:
    """Refuse a place where no page can be."""
    if page is None:
        return
    if page.suffix.lower() not in PAGES:
        raise typer.BadParameter(f"--html {page}: the name of a page ends in .html; give such a file.")
    if not page.parent.is_dir():
        raise typer.BadParameter(
            f"--html {page}: there is no folder {str(page.parent)!r}. Make it, or give another file."
        )
    if page.is_dir():
        raise typer.BadParameter(f"--html {page} is a folder; give a file.")


def _write(found: _Found, page: Path, agree: float) -> None:
    from langdistill.errors import EvaluationError
    from langdistill.evaluation.search_report import write_search_page

    about = {"name": found.name, "question": found.question, "which": found.place}
    try:
        write_search_page(found.search, page, agree=agree, **about)
    except OSError as error:
        raise EvaluationError(
            f"{str(page)!r} cannot be written: {error}. Give a file in a folder with room."
        ) from error


def _told(found: _Found, agree: float) -> dict[str, Any]:
    from langdistill.evaluation.search_tree import SearchTree

    tree = SearchTree(found.search, agree)
    return {
        "trace": found.trace.id,
        "name": found.name,
        "question": found.question,
        "which": found.which,
        "searches": len(found.trace.searches),
        "answers": [one._asdict() for one in tree.answers],
        "verified": sorted(tree.verified),
        **found.search.model_dump(),
    }


def _draw(found: _Found, agree: float, **shown: Any) -> None:
    from langdistill.cli.search.drawing import Drawing, answers_of
    from langdistill.evaluation.search_report import sentence
    from langdistill.evaluation.search_tree import SearchTree

    tree = SearchTree(found.search, agree)
    drawing, console = Drawing(tree, **shown), Console()
    console = Console(width=max(drawing.width, console.width if console.is_terminal else 120), highlight=False)
    place = f", search {found.place}" if found.place else ""
    answer = "none was chosen" if tree.chosen is None else tree.thoughts[tree.chosen].answer or "none"
    for line in (
        f"{found.name} {found.trace.id}{place}",
        f"question: {found.question}",
        f"answer: {answer}",
        sentence(tree),
    ):
        console.print(Text(shortened(line, whole=shown["whole"])))
    for part in (answers_of(tree), drawing.drawn()):
        console.print()
        console.print(part)

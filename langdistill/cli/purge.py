"""`langdistill purge`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langdistill.cli.options import Before, Format, FormatOption, StoreArgument, Thread, User, opened, print_json

if TYPE_CHECKING:
    from langdistill.datasets.provenance import Made
    from langdistill.stores.protocol import Store


def purge(
    store: StoreArgument,
    user: User = None,
    thread: Thread = None,
    before: Before = None,
    look_in: Annotated[
        list[Path], typer.Option(help="Folder to look for data sets and students in; may be repeated.", exists=True)
    ] = [Path()],  # noqa: B006
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Remove traces for good, and name the data sets and students that were made of them.

    Those are not removed: harvest and train them again. A user or thread whose id was hidden when it was recorded is found, too.
    """
    from langdistill.datasets.provenance import made_from

    if user is None and thread is None and before is None:
        raise typer.BadParameter(
            "Say what to remove: --user, --thread, --before, or several, which a trace must all match."
        )
    with opened(store) as held:
        ids = _ids(held, user, thread, before)
        made = made_from(set(ids), held.derived(), look_in)
        if format is Format.text:
            _tell(len(ids), made)
        if not dry_run:
            if ids and not yes and not typer.confirm(f"Remove {len(ids)} traces for good?", err=True):
                typer.echo("Nothing was removed.", err=True)
                raise typer.Exit(1)
            held.remove(ids)  # also where there are none: an earlier purge may have left their text in the log
    if format is Format.json:
        told: dict[str, Any] = {"removed": 0 if dry_run else len(ids), "dry_run": dry_run, "traces": ids}
        print_json(told | {"made": [asdict(one) for one in made]})
    else:
        typer.echo("Nothing was removed (--dry-run)." if dry_run else f"Removed: {_traces(len(ids))}.")


def _ids(store: Store, user: str | None, thread: str | None, before: float | None) -> list[str]:
    """Ids of the traces, also of those that say a pseudonym instead of the user or the thread."""
    from langdistill.stores.protocol import Where

    found = (
        store.rows(Where(user=one, thread=other, before=before, expired=True))
        for one in _spellings(user)
        for other in _spellings(thread)
    )
    return list(dict.fromkeys(row.id for rows in found for row in rows))


def _spellings(identifier: str | None) -> list[str | None]:
    from langdistill.recording.privacy.pseudonyms import name_instead

    return [None] if identifier is None else [identifier, name_instead(identifier)]


def _tell(count: int, made: list[Made]) -> None:
    typer.echo(f"Matching: {_traces(count)}.")
    for one in made:
        place = one.path if one.there else f"{one.path} (no longer there: look for copies)"
        rows = "which does not tell what it was made of" if one.affected is None else f"{one.affected} rows are of them"
        typer.echo(f"{one.kind} {place}, hash {one.hash[:12]}: {rows}")


def _traces(count: int) -> str:
    return f"{count} trace" if count == 1 else f"{count} traces"

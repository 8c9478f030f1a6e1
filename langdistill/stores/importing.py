"""Traces that others recorded, as traces here. Each format is one file of `stores/importers/`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from langdistill.errors import StoreError, UnknownName
from langdistill.records import Record, Trace
from langdistill.stores.protocol import Store

IMPORTERS = Path(__file__).parent / "importers"
AT_ONCE = 100
"""Traces of one transaction."""


class Unmapped(Record):
    """Something in a file that has no place in a trace, or could not be read."""

    where: str
    """Which file and row, run or span: "runs.jsonl, row 17"."""
    reason: str
    """A slug that they are counted by: "no-json", "unknown-role", "no-messages"."""
    detail: str = ""
    """What was got and what was expected."""


Importer = Callable[[Path], Iterator[Trace | Unmapped]]
"""Reads a file, or every file of its format in a folder: traces, and what could not be mapped, in the order of the file.

It never raises for what is in a file. `read` in each module of `importers/` is one.
"""


@dataclass
class Imported:
    """What became of a file."""

    traces: int = 0
    unmapped: list[Unmapped] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, int]:
        """Reason to count."""
        return dict(sorted(Counter(one.reason for one in self.unmapped).items()))


def find_importer(name: str) -> Importer:
    """The importer of a format.

    Raises:
        UnknownName: there is none of that name.
    """
    known = [path.stem for path in IMPORTERS.glob("[a-z]*.py")]
    if name not in known:
        raise UnknownName("format", name, known)
    return import_module(f"langdistill.stores.importers.{name}").read


def import_traces(path: str | Path, format: str, store: Store) -> Imported:
    """Read a file or a folder into a store. Doing it again replaces the traces by their ids and doubles none.

    Args:
        path: the file or folder.
        format: name of the importer.
        store: where the traces go.

    Raises:
        UnknownName: of the format.
        StoreError: there is no such file, or the store cannot be written.
    """
    path = Path(path)
    read = find_importer(format)
    if not path.exists():
        raise StoreError(f"There is no file or folder {str(path)!r} to import. Give the path of one.")
    became = Imported()
    waiting: list[Trace] = []
    for item in read(path):
        if isinstance(item, Unmapped):
            became.unmapped.append(item)
            continue
        waiting.append(item)
        became.traces += 1
        if len(waiting) == AT_ONCE:
            store.add(waiting)
            waiting = []
    if waiting:
        store.add(waiting)
    return became

"""Traces that others recorded, as traces here. Each format is one file of `stores/importers/`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from langdistill.errors import StoreError
from langdistill.finding import module_named, names_in
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
    """What became of a file or a folder."""

    traces: int = 0
    """How many went into the store, each under an id of its own."""
    unmapped: list[Unmapped] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, int]:
        """Reason to count."""
        return dict(sorted(Counter(one.reason for one in self.unmapped).items()))

    def take(self, items: Iterable[Trace | Unmapped]) -> Iterator[Trace]:
        """The traces, counted; what is unmapped is kept. Of two traces with one id the first is taken."""
        taken: set[str] = set()
        for item in items:
            if isinstance(item, Unmapped):
                self.unmapped.append(item)
            elif item.id in taken:
                where = str(item.metadata.get("where") or f"trace {item.id}")
                detail = f"An earlier trace of this import has the id {item.id!r}; this one was left out."
                self.unmapped.append(Unmapped(where=where, reason="doubled-id", detail=detail))
            else:
                taken.add(item.id)
                self.traces += 1
                yield item


def find_importer(name: str) -> Importer:
    """The importer of a format.

    Raises:
        UnknownName: there is none of that name.
    """
    return module_named("format", name, "langdistill.stores.importers", names_in(IMPORTERS)).read


class Files:
    """The traces of a file or folder in the format of others, to be gone through as often as one likes: a source of a harvest."""

    def __init__(self, path: str | Path, format: str) -> None:
        """Nothing is read yet.

        Args:
            path: the file, whatever its name; or a folder, of which all files are read that end as the format's do.
            format: name of the importer.

        Raises:
            UnknownName: of the format.
            StoreError: there is no such file.
        """
        self._path = Path(path)
        self._read = find_importer(format)
        self.became = Imported()
        """What became of the files when they were last read, as far as they have been."""
        if not self._path.exists():
            raise StoreError(f"There is no file or folder {str(path)!r} to import. Give the path of one.")

    def __iter__(self) -> Iterator[Trace]:
        self.became = Imported()
        return self.became.take(self._read(self._path))


def import_traces(path: str | Path, format: str, store: Store) -> Imported:
    """Read a file or a folder into a store. Doing it again replaces the traces by their ids and doubles none.

    Traces go into the store in order, a hundred in one transaction. An import that broke off, because the disk was full, say,
    leaves whole traces, and is finished by doing it again.

    Args:
        path: the file, whatever its name; or a folder, of which all files are read that end as the format's do.
        format: name of the importer.
        store: where the traces go.

    Raises:
        UnknownName: of the format.
        StoreError: there is no such file, or the store cannot be written.
    """
    files = Files(path, format)
    waiting: list[Trace] = []
    for trace in files:
        waiting.append(trace)
        if len(waiting) == AT_ONCE:
            store.add(waiting)
            waiting = []
    if waiting:
        store.add(waiting)
    return files.became

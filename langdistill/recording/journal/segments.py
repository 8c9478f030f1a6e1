"""A file of the journal: mapped into memory, with its blocks reserved, so that to write an event is to copy bytes.

That takes no system call, so it is allowed on an event loop, and the kernel keeps the copy when the process is killed. A
record is a mark, whether it was delivered, its kind, the root, its number within the root, length, checksum and the event.
The mark is in no JSON text, so that a reader finds the record after a damaged one; the head tells how many were written.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from zlib import crc32

HEAD = 64
COUNT = Struct("<QQ")
"""How many records were written, and the complement of it, by which a damaged head is known."""
INVERT = (1 << 64) - 1
MARK = b"\xd1\x1e"
RECORD = Struct("<2sHBIIII")
STATE, STATE_AT = Struct("<H"), len(MARK)
DELIVERED = 0xD1D1
"""No damage of a single byte makes this of the 0 before it."""


class Entry(NamedTuple):
    """Where a record is."""

    segment: Segment
    at: int
    kind: int
    root: int
    number: int
    """Of the events of its root, counted from 0."""
    length: int

    @property
    def payload(self) -> bytes:
        """The event."""
        start = self.at + RECORD.size
        return self.segment.bytes[start : start + self.length]

    def deliver(self) -> None:
        """The store has it."""
        STATE.pack_into(self.segment.bytes, self.at + STATE_AT, DELIVERED)
        self.segment.held -= 1

    def let_go(self) -> None:
        """It was written again elsewhere, and is not needed here."""
        self.segment.held -= 1


class Contents(NamedTuple):
    """What is readable in a file."""

    entries: list[Entry]
    delivered: set[tuple[int, int]]
    """Root and number of the entries that the store has."""
    missing: int
    """Records that the head tells of and that are not there."""


class Segment:
    """One file, mapped."""

    def __init__(self, path: Path, *, size: int = 0) -> None:
        """Make a file of a size, with all its blocks; without a size, open the one that is there.

        Raises:
            OSError: no room, no permission, no such file, or it exists already.
        """
        self.path = path
        self.bytes = _made(path, size) if size else _opened(path)
        self.size = len(self.bytes)
        self.written = self.held = 0
        self._at = HEAD
        if size:
            COUNT.pack_into(self.bytes, 0, 0, INVERT)

    def append(self, kind: int, root: int, number: int, payload: bytes) -> Entry | None:
        """Copy an event to the end; `None` where it does not fit."""
        length = len(payload)
        at = self._at
        end = at + RECORD.size + length
        if end > self.size:
            return None
        self._at = end  # without a call in between: a finalizer that records may run at any
        checksum = crc32(payload, root ^ number ^ kind)
        self.bytes[at:end] = RECORD.pack(MARK, 0, kind, root, number, length, checksum) + payload
        self.written += 1
        self.held += 1
        COUNT.pack_into(self.bytes, 0, self.written, self.written ^ INVERT)
        return Entry(self, at, kind, root, number, length)

    def read(self) -> Contents:
        """Every undamaged record of a file that nobody writes any more."""
        entries: list[Entry] = []
        delivered: set[tuple[int, int]] = set()
        told, at = self._told(), HEAD
        while (
            self._goes_on(at, len(entries), told)
            and (at := self.bytes.find(MARK, at)) != -1
            and at + RECORD.size <= self.size
        ):
            _, state, kind, root, number, length, checksum = RECORD.unpack_from(self.bytes, at)
            end = at + RECORD.size + length
            if end > self.size or crc32(self.bytes[end - length : end], root ^ number ^ kind) != checksum:
                at += 1
                continue
            entries.append(Entry(self, at, kind, root, number, length))
            if state == DELIVERED:
                delivered.add((root, number))
            at = end
        self.held = len(entries)
        return Contents(entries, delivered, max(0, (told or 0) - len(entries)))

    def _goes_on(self, at: int, found: int, told: int | None) -> bool:
        """Whether to look further: zeros need not be searched. The writer may have been stopped before it counted a record."""
        return told is None or found < told or self.bytes[at : at + len(MARK)] == MARK

    def _told(self) -> int | None:
        """How many records the head tells of; at least one where the head itself is cut off, `None` where it is damaged."""
        if self.size < HEAD:
            return 1
        count, check = COUNT.unpack_from(self.bytes, 0)
        return count if count == check ^ INVERT else None

    def close(self) -> None:
        """Let go of the memory."""
        self.bytes.close()

    def remove(self) -> None:
        """Close and delete."""
        self.close()
        self.path.unlink(missing_ok=True)


def _opened(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def _made(path: Path, size: int) -> mmap.mmap:
    """A new file that its owner alone may read: it holds prompts."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        _allocate(file, size)
        return mmap.mmap(file, size)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _allocate(file: int, size: int) -> None:
    """Reserve the blocks: a write into a mapped hole of a full disk would kill the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    for start in range(0, size, 1 << 20):  # macOS and Windows
        os.write(file, bytes(min(1 << 20, size - start)))

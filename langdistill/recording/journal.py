"""Where events rest until the store has them: files that are mapped into memory and have their blocks already.

To write an event is to copy bytes, without a system call, so it is allowed on an event loop; and the kernel keeps the copy
when the process is killed. A record is a mark, whether it was delivered, its kind, the root, a sequence number, length,
checksum and the event. A damaged one is skipped: the reader goes on at the next mark, and the file's head tells how many
there should have been.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

SEGMENT = 8 << 20
"""Bytes of a file."""
MOST_BYTES = 128 << 20
"""Bytes of all files together; what does not fit any more is lost."""
MAGIC = b"LDJRNL01"
HEAD = 64
COUNT = struct.Struct("<Q")
COUNT_AT = 16
MARK = b"\xd1\x1e"
RECORD = struct.Struct("<2sBBIIII")
DELIVERED_AT = 2
LARGEST = SEGMENT - HEAD - RECORD.size
"""Bytes of the largest event."""


class Entry(NamedTuple):
    """Where a record is."""

    segment: Segment
    at: int
    kind: int
    root: int
    sequence: int
    length: int

    @property
    def payload(self) -> bytes:
        """The event."""
        start = self.at + RECORD.size
        return self.segment.bytes[start : start + self.length]


class Segment:
    """One file, mapped."""

    def __init__(self, path: Path, *, size: int = SEGMENT, new: bool = True) -> None:
        """Make it with all its blocks, or open what is there.

        Raises:
            OSError: no room, no permission, or no such file.
        """
        self.path = path
        with path.open("x+b" if new else "r+b") as file:
            if new:
                _allocate(file.fileno(), size)
            self.size = os.fstat(file.fileno()).st_size
            self.bytes = mmap.mmap(file.fileno(), self.size)
        self.at = HEAD
        self.written = 0
        self.undelivered = 0
        if new:
            self.bytes[: len(MAGIC)] = MAGIC

    def append(self, kind: int, root: int, sequence: int, payload: bytes) -> Entry | None:
        """Copy an event to the end; `None` where it does not fit."""
        at = self.at
        end = at + RECORD.size + len(payload)
        if end > self.size:
            return None
        checksum = crc32(payload, root ^ kind ^ sequence)
        record = RECORD.pack(MARK, 0, kind, root, sequence, len(payload), checksum) + payload
        self.at = end  # first, so that nobody who comes between writes over it
        self.bytes[at:end] = record
        self.written += 1
        COUNT.pack_into(self.bytes, COUNT_AT, self.written)
        self.undelivered += 1
        return Entry(self, at, kind, root, sequence, len(payload))

    def delivered(self, entry: Entry) -> None:
        """The store has this one."""
        self.bytes[entry.at + DELIVERED_AT] = 1
        self.undelivered -= 1

    def entries(self) -> tuple[list[Entry], int]:
        """What is readable and not delivered, and how many records are missing. For a file that nobody writes any more."""
        if self.size < HEAD:
            return [], 0
        found: list[Entry] = []
        seen, at = 0, HEAD
        while (at := self.bytes.find(MARK, at)) != -1 and at + RECORD.size <= self.size:
            entry, delivered = self._read(at)
            if entry is None:
                at += 1
                continue
            seen += 1
            if not delivered:
                found.append(entry)
            at += RECORD.size + entry.length
        [count] = COUNT.unpack_from(self.bytes, COUNT_AT)
        # a damaged head may tell any number; no file holds more than its size
        told = count if self.bytes[: len(MAGIC)] == MAGIC and count <= self.size // RECORD.size else seen
        return found, max(0, told - seen)

    def _read(self, at: int) -> tuple[Entry | None, bool]:
        _, delivered, kind, root, sequence, length, checksum = RECORD.unpack_from(self.bytes, at)
        start = at + RECORD.size
        if start + length > self.size or crc32(self.bytes[start : start + length], root ^ kind ^ sequence) != checksum:
            return None, False
        return Entry(self, at, kind, root, sequence, length), bool(delivered)

    def close(self) -> None:
        """Let go of the memory."""
        self.bytes.close()

    def remove(self) -> None:
        """Close and delete."""
        self.close()
        self.path.unlink(missing_ok=True)


class Journal:
    """The files of one recorder in one process, in a folder of its own that is locked while the process lives."""

    def __init__(self, folder: Path, *, segment: int = SEGMENT, most: int = MOST_BYTES) -> None:
        """Make the folder and the first two files.

        Raises:
            OSError: the folder cannot be made, or there is no room.
        """
        self.folder = folder
        self._size, self._most = segment, most
        self._lock = _locked_folder(folder)
        self._numbers = iter(range(1, 1 << 62))
        self._spares: deque[Segment] = deque()
        self._sequence = 0
        self.full: list[Segment] = []
        """Files that nothing is written to any more and that hold something undelivered."""
        self.active = self._make()
        self.wanted = threading.Event()
        """Set when the spare was taken."""
        self.prepare()

    @property
    def largest(self) -> int:
        """Bytes of the largest event that fits."""
        return self._size - HEAD - RECORD.size

    def append(self, kind: int, root: int, payload: bytes) -> Entry | None:
        """Write an event; `None` where there is no room. The caller sees to it that only one does so at a time."""
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        return self._put(kind, root, self._sequence, payload)

    def carry_on(self, entry: Entry) -> Entry | None:
        """Write an old record again, under its old sequence number, so that its file can go; `None` without room."""
        return self._put(entry.kind, entry.root, entry.sequence, entry.payload)

    def _put(self, kind: int, root: int, sequence: int, payload: bytes) -> Entry | None:
        entry = self.active.append(kind, root, sequence, payload)
        if entry is None and self._spares and len(payload) <= self.largest:
            self.full.append(self.active)
            self.active = self._spares.popleft()
            self.wanted.set()
            entry = self.active.append(kind, root, sequence, payload)
        return entry

    def prepare(self) -> None:
        """Have a spare file ready; blocks, so it is never called by who appends.

        Raises:
            OSError: there is no room on the disk.
        """
        self.wanted.clear()
        while not self._spares and (len(self.full) + 2) * self._size <= self._most:
            self._spares.append(self._make())

    @property
    def crowded(self) -> bool:
        """Whether so many files wait that old ones should be cleared."""
        return (len(self.full) + 2) * self._size * 2 > self._most

    def drop_delivered(self) -> None:
        """Delete the files that hold nothing undelivered any more; blocks."""
        for segment in [one for one in self.full if not one.undelivered]:
            self.full.remove(segment)
            segment.remove()

    def close(self) -> None:
        """Delete what was delivered; the folder goes when nothing is left of it."""
        segments = [*self.full, self.active, *self._spares]
        for segment in segments:
            if segment.undelivered:
                segment.close()
            else:
                segment.remove()
        self._lock.release()
        remove_empty(self.folder)

    def abandon(self) -> None:
        """In a forked child: the files belong to the parent."""
        self._lock.abandon()

    def _make(self) -> Segment:
        return Segment(self.folder / f"{next(self._numbers):08}.journal", size=self._size)


def left_behind(place: Path) -> Iterator[tuple[Path, FolderLock]]:
    """Folders of processes that are no more, each locked for the caller."""
    for folder in sorted(place.iterdir()) if place.is_dir() else []:
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        try:
            lock = FolderLock(folder)
        except OSError:  # its process lives, or another one is taking it in
            continue
        yield folder, lock


def read_folder(folder: Path) -> tuple[list[Entry], int]:
    """Everything undelivered in a folder, in the order of writing, and how many records are missing."""
    entries: list[Entry] = []
    missing = 0
    for path in sorted(folder.glob("*.journal")):
        if not path.stat().st_size:
            continue
        found, lost = Segment(path, new=False).entries()
        entries += found
        missing += lost
    # a record that was carried on may be there twice
    once = {entry.sequence: entry for entry in entries}
    return [once[sequence] for sequence in sorted(once)], missing


def remove_folder(folder: Path) -> None:
    """Delete a folder that was taken in."""
    for path in folder.glob("*.journal"):
        path.unlink(missing_ok=True)
    remove_empty(folder)


def remove_empty(folder: Path) -> None:
    """Delete the folder and the one that holds it, where nothing is left in them."""
    if any(folder.glob("*.journal")):
        return
    (folder / FolderLock.NAME).unlink(missing_ok=True)
    for empty in (folder, folder.parent):
        try:
            empty.rmdir()
        except OSError:
            return


class FolderLock:
    """Held by the process that writes into a folder, and let go by the kernel when that dies."""

    NAME = "lock"

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            OSError: another process has it.
        """
        self._file = os.open(folder / self.NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._file)
        except OSError:
            os.close(self._file)
            raise

    def release(self) -> None:
        """Let go."""
        os.close(self._file)

    def abandon(self) -> None:
        """Close the copy that a forked child has got; the parent's lock stays."""
        os.close(self._file)


def _locked_folder(folder: Path) -> FolderLock:
    """Make a folder that nobody sees before its lock is held: a process that looks for what is left behind may be near."""
    hidden = folder.with_name("." + folder.name)
    for _ in range(10):
        try:
            hidden.mkdir(parents=True)
            break
        except FileNotFoundError:  # the last process of before has just removed the place
            continue
    lock = FolderLock(hidden)
    hidden.rename(folder)
    return lock


def _lock(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _allocate(file: int, size: int) -> None:
    """Reserve the blocks: a write into a mapped hole of a full disk would kill the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    zeros = b"\0" * (1 << 20)  # macOS and Windows
    for _ in range(0, size, len(zeros)):
        os.write(file, zeros)

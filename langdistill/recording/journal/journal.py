"""Where events rest until the store has them: files that survive their process, in a folder that is locked while it lives.

A thread keeps one file ahead, so that who writes never waits for the disk.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

from langdistill.recording.journal.bell import Bell
from langdistill.recording.journal.segments import HEAD, RECORD, Contents, Entry, Segment

log = logging.getLogger(__name__)

VERSION = 1
"""Raised when records or events can no longer be read as they are."""
MOST_BYTES = 128 << 20
"""Bytes of all files together; what does not fit any more is lost."""
SEGMENT_BYTES = (64 << 10, 8 << 20)
"""Least and most bytes of one file."""
FILES = 16
"""How many files the room is cut into, where their size allows it."""
AGAIN = 1.0
"""Seconds until room is asked for again on a full disk."""
ATTEMPTS = 10
FOLDER = re.compile(r"\d+-\d+-[0-9a-f]{8}")
"""Version, process and a chance number."""
JOURNALS = "*.journal"


class Journal:
    """The files of one recorder in one process."""

    def __init__(self, place: Path, *, most: int = MOST_BYTES) -> None:
        """Make a folder in the place, and the first two files.

        Raises:
            OSError: the folder cannot be made, or there is no room.
        """
        least, largest = SEGMENT_BYTES
        self._size, self._most = min(max(most // FILES, least), largest), most
        self.largest = self._size - HEAD - RECORD.size
        """Bytes of the largest event that fits."""
        self._names = count(1)
        self._spares: deque[Segment] = deque()
        self.full: list[Segment] = []
        """Files that nothing is written to any more, in the order of writing."""
        self.folder, self._lock = _made_folder(place)
        try:
            self._active = self._make()
            self._spares.append(self._make())
        except BaseException:
            remove(self.folder, self._lock)
            raise
        self._wanted, self._closing = Bell(), threading.Event()
        self._thread = threading.Thread(target=self._keep_spare, name="langdistill-journal", daemon=True)
        self._thread.start()

    def append(self, kind: int, root: int, number: int, payload: bytes) -> Entry | None:
        """Write an event; `None` where there is no room. The caller sees to it that only one does so at a time."""
        entry = self._active.append(kind, root, number, payload)
        if entry is not None or len(payload) > self.largest:
            return entry
        if self._spares:
            spare = self._spares.popleft()
            before, self._active = self._active, spare
            self.full.append(before)
            entry = self._active.append(kind, root, number, payload)
        self._wanted.ring()
        return entry

    def carry_on(self, entry: Entry) -> Entry | None:
        """Write an old record again, so that its file can go; `None` without room."""
        carried = self.append(entry.kind, entry.root, entry.number, entry.payload)
        if carried is not None:
            entry.let_go()
        return carried

    @property
    def crowded(self) -> bool:
        """Whether so many files wait that old ones should be cleared."""
        return (len(self.full) + 2) * self._size * 2 > self._most

    def drop_delivered(self) -> None:
        """Delete the files that hold nothing any more; blocks."""
        for segment in [one for one in self.full if not one.held]:
            self.full.remove(segment)
            segment.remove()
            self._wanted.ring()

    def close(self) -> None:
        """Delete what was delivered; the folder goes when nothing is left of it."""
        self._closing.set()
        self._wanted.ring()
        self._thread.join()
        for segment in (*self.full, self._active, *self._spares):
            if segment.held:
                segment.close()
            else:
                segment.remove()
        if any(self.folder.glob(JOURNALS)):
            self._lock.release()
        else:
            remove(self.folder, self._lock)

    def abandon(self) -> None:
        """In a forked child: the files are the parent's, and nothing of the child may reach them."""
        self._lock.release()
        for segment in (*self.full, self._active, *self._spares):
            segment.close()

    def _make(self) -> Segment:
        return Segment(self.folder / f"{next(self._names):08}.journal", size=self._size)

    def _keep_spare(self) -> None:
        told = False
        while not self._closing.is_set():
            self._wanted.wait()
            while not self._prepare(told=told):
                told = True
                if self._closing.wait(AGAIN):
                    return
            told = False

    def _prepare(self, *, told: bool) -> bool:
        """Have a spare file, where there may be one more; whether the disk had room."""
        try:
            while not self._spares and (len(self.full) + 2) * self._size <= self._most:
                self._spares.append(self._make())
        except OSError as error:
            if not told:
                log.warning("The recorder's journal %s gets no room: %s", self.folder, error)
            return False
        return True


class LeftBehind:
    """The journal of a process that is no more, locked for this one."""

    def __init__(self, folder: Path, lock: FolderLock) -> None:
        """Find every event that is readable, and that the store does not have.

        Raises:
            OSError: a file cannot be read.
        """
        self.folder, self._lock = folder, lock
        files = [_contents(path) for path in sorted(folder.glob(JOURNALS)) if path.stat().st_size]
        delivered = {root for one in files for root, _ in one.delivered if root}
        said = {place for one in files for place in one.delivered}
        # a record that was carried on may be there twice
        once = {(entry.root, entry.number): entry for one in files for entry in one.entries}
        self.entries = [once[key] for key in sorted(once) if key[0] not in delivered and key not in said]
        """By root, in the order of writing. A root that was delivered at all was so as a whole, if not yet marked as such."""
        self.missing = sum(one.missing for one in files)
        """Events that were written and cannot be read."""

    def remove(self) -> None:
        """Everything of it is in the store."""
        remove(self.folder, self._lock)

    def release(self) -> None:
        """Leave it to another process, or to the next start."""
        self._lock.release()


class FolderLock:
    """Held by the process that writes into a folder, and let go by the kernel when that dies."""

    NAME = "lock"

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            OSError: another process has it.
        """
        self._file: int | None = os.open(folder / self.NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._file)
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Let go. In a forked child, which has got a copy, the parent's lock stays."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def left_behind(place: Path) -> Iterator[LeftBehind]:
    """Journals of processes that are no more, each locked for the caller. What is none of ours is not touched."""
    for folder in _folders(place):
        if _version(folder) != VERSION:
            continue
        try:
            lock = FolderLock(folder)
        except OSError:  # its process lives, or another one is taking it in
            continue
        try:
            left = LeftBehind(folder, lock)
        except OSError as error:
            log.warning("The journal %s that an earlier process has left cannot be read: %s", folder, error)
            lock.release()
            continue
        yield left


def of_other_versions(place: Path) -> list[Path]:
    """Journals that another version of this package has left, and must take in itself."""
    return [folder for folder in _folders(place) if _version(folder) != VERSION]


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(one for one in place.iterdir() if FOLDER.fullmatch(one.name))
    except (
        FileNotFoundError,
        NotADirectoryError,
    ):  # nothing was recorded yet, or the last process took it away just now
        return []


def _version(folder: Path) -> int:
    return int(folder.name.split("-")[0])


def remove(folder: Path, lock: FolderLock) -> None:
    """Delete a journal, and the place that holds it where nothing else is left there."""
    for path in folder.glob(JOURNALS):
        path.unlink(missing_ok=True)
    (folder / FolderLock.NAME).unlink(missing_ok=True)
    lock.release()
    for empty in (folder, folder.parent):
        try:
            empty.rmdir()
        except OSError:
            return


def _contents(path: Path) -> Contents:
    return Segment(path).read()


def _made_folder(place: Path) -> tuple[Path, FolderLock]:
    """A new folder and its lock. Another process that looks for what is left behind may take it away before it is locked."""
    for attempt in range(ATTEMPTS):
        folder = place / f"{VERSION}-{os.getpid()}-{uuid4().hex[:8]}"
        try:
            place.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            lock = FolderLock(folder)
            if (folder / FolderLock.NAME).exists():
                return folder, lock
            lock.release()
        except OSError:
            if attempt == ATTEMPTS - 1:
                raise
    raise FileNotFoundError(f"{place} is taken away again and again")


def _lock(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

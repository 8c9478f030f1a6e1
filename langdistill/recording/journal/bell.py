"""What a callback wakes a thread with."""

from __future__ import annotations

from queue import Empty, SimpleQueue


class Bell:
    """Like an event that waiting clears, and that may be set while it is being set.

    A finalizer may run at any moment of a callback and call back itself; `threading.Event` would wait for itself then.
    """

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wake who waits, or who waits next."""
        if self._rings.empty():
            self._rings.put(None)

    def wait(self, seconds: float | None = None) -> None:
        """Until it has rung since the last time, or the seconds are over."""
        try:
            self._rings.get(timeout=seconds)
            while True:
                self._rings.get_nowait()
        except Empty:
            return

"""The process beside this one that holds vLLM's `LLM`: started at the first request, shared by all who want the same of it."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
from collections import deque
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import count
from pathlib import Path
from queue import Queue
from threading import Event, Lock, Thread
from typing import Any

from langdistill.errors import StudentError
from langdistill.students.serving.interpreter import Interpreter, vllm_interpreter

SCRIPT = Path(__file__).with_name("offline_script.py")
LAST = 30
"""Lines of the process's own output that an error shows."""
FAREWELL = 5.0
"""Seconds that the process has to end after its input did."""


class OfflineProcess:
    """vLLM's `LLM` in a process of its own. Requests that come at about the same time are generated in one batch."""

    def __init__(self, python: Interpreter, arguments: dict[str, Any]) -> None:
        """Start it; it loads the model while the first requests wait."""
        self.model = str(arguments["model"])
        self.context: int | None = None
        """Most tokens of a prompt and its reply; known once it has loaded."""
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._numbers, self._lock, self._ended = count(1), Lock(), Event()
        self._out: Queue[dict[str, Any] | None] = Queue()
        self._said: deque[str] = deque(maxlen=LAST)
        # One engine in the process itself: vLLM would start two more for it, and take a minute over that. A session of its own
        # keeps Ctrl-C from it: that is for this process, which waits for the batch or not.
        environment = {"VLLM_LOGGING_LEVEL": "WARNING", **python.environment, "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [python.python, str(SCRIPT), str(os.getpid()), json.dumps(arguments)],
            stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True,
        )  # fmt: skip
        self._listener = Thread(target=self._listen, name="langdistill-vllm-errors", daemon=True)
        for thread in (self._listener, Thread(target=self._write, daemon=True), Thread(target=self._read, daemon=True)):
            thread.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it takes requests."""
        return not self._ended.is_set() and self._process.poll() is None

    def submit(self, request: dict[str, Any]) -> Future[dict[str, Any]]:
        """Have it generated with whatever else is waiting; the result has `read` and `replies`.

        A future that is cancelled takes its request out of the batch.
        """
        number, future = next(self._numbers), Future[dict[str, Any]]()
        with self._lock:
            if self._ended.is_set():
                future.set_exception(self._death())
                return future
            self._waiting[number] = future
        future.add_done_callback(lambda done: self._abort(number) if done.cancelled() else None)
        self._out.put({"id": number, **request})
        return future

    def close(self) -> None:
        """End it; whoever still waits is told."""
        self._out.put(None)
        try:
            self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:  # it is loading, or in the middle of a step
            self._process.kill()
            self._process.wait()
        self._ended.wait(FAREWELL)

    def _abort(self, number: int) -> None:
        with self._lock:
            self._waiting.pop(number, None)
        self._out.put({"abort": number})

    def _write(self) -> None:
        """From a thread of its own: a pipe may be full, and an event loop must not wait for it."""
        assert self._process.stdin
        with suppress(OSError), self._process.stdin as requests:  # where it has ended, the reader tells
            while (line := self._out.get()) is not None:
                requests.write(json.dumps(line).encode() + b"\n")
                requests.flush()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as answers:
            for text in answers:
                self._answer(json.loads(text))
        self._process.wait()
        self._listener.join(FAREWELL)
        self._out.put(None)
        with self._lock:
            self._ended.set()
            waiting, self._waiting = list(self._waiting.values()), {}
        for future in waiting:
            _settle(future, self._death())

    def _listen(self) -> None:
        assert self._process.stderr
        with self._process.stderr as lines:
            for line in lines:
                self._said.append(line.decode(errors="replace").rstrip())

    def _answer(self, line: dict[str, Any]) -> None:
        if "ready" in line:
            self.context = line["ready"]
            return
        with self._lock:
            future = self._waiting.pop(line["id"], None)
        if future is not None:
            _settle(future, StudentError(f"{self.model!r}: {line['error']}") if "error" in line else line)

    def _death(self) -> StudentError:
        told = "\n".join(line for line in self._said if line) or "It said nothing."
        doing = "answered" if self.context else "was loaded"
        return StudentError(
            f"vLLM ended with code {self._process.returncode} before {self.model!r} {doing}. The next request starts it "
            f"again. Its last lines:\n{told}"
        )


def _settle(future: Future[dict[str, Any]], result: dict[str, Any] | StudentError) -> None:
    with suppress(InvalidStateError):  # nobody waits for it any more
        if isinstance(result, StudentError):
            future.set_exception(result)
        else:
            future.set_result(result)


_processes: dict[str, OfflineProcess] = {}
"""What was asked of a process to the process."""
_starting = Lock()


def process_of(arguments: dict[str, Any]) -> OfflineProcess:
    """The process that holds a model with these arguments of `vllm.LLM`: one of them here, and a new one where it has died.

    Raises:
        MissingExtra: there is no vLLM.
        StudentError: `LANGDISTILL_VLLM` names no Python that has it.
    """
    python = vllm_interpreter()
    if python.cpu:
        arguments = {"dtype": "float32", "kv_cache_memory_bytes": 1 << 30, "enforce_eager": True, **arguments}
    key = json.dumps([python.python, arguments], sort_keys=True)
    with _starting:
        if key not in _processes or not _processes[key].alive:
            _processes[key] = OfflineProcess(python, arguments)
        return _processes[key]


def close_all(model: str | None = None) -> None:
    """End every such process, or those that hold one model.

    Args:
        model: its folder, in full.
    """
    with _starting:
        ending = {key: one for key, one in _processes.items() if model in (None, one.model)}
        for key in ending:
            del _processes[key]
    for process in ending.values():
        process.close()


def _forget() -> None:
    """In a forked child: the processes and their pipes are its parent's, and it leaves them untouched."""
    global _processes, _inherited, _starting
    _processes, _inherited, _starting = {}, _processes, Lock()


_inherited = _processes
atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

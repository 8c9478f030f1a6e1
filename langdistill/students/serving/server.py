"""vLLM's OpenAI-compatible server as a process of its own: started, watched and stopped."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import orjson

from langdistill.errors import StudentError
from langdistill.students.bases import base_digest
from langdistill.students.serving.endpoint import LOOPBACK, Endpoint, Refused
from langdistill.students.serving.inside import GRACE, TOLD
from langdistill.students.serving.interpreter import vllm_interpreter
from langdistill.students.serving.settings import Settings

INSIDE = Path(__file__).with_name("inside.py")
TAIL = 16_384
"""Bytes of the log that an error may show."""
LINES = 25
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where a server that binds to all addresses is reached from here."""


class VLLMServer:
    """A running server of vLLM with one base; `students.serving.serving.serve` starts one with students on it.

    It ends with this process, however this process ends. As a context manager it is stopped at the end of the block.
    """

    def __init__(self, base: Path, names: list[str], settings: Settings = Settings()) -> None:  # noqa: B008  frozen
        """Check what can be checked before starting; `start` starts it.

        Args:
            base: folder of the base model.
            names: what it is called.
            settings: of the server.

        Raises:
            MissingExtra: there is no vLLM.
            StudentError: it would be open to a network without a key, or the flags contradict the settings.
        """
        self.api_key = secrets.token_urlsafe(24) if settings.api_key is None else settings.api_key
        if not self.api_key and settings.host not in LOOPBACK:
            raise StudentError(
                f"A server on {settings.host} can be reached from other machines and must not be without a key. "
                "Give a key, leave it out for a random one, or bind to 127.0.0.1."
            )
        self.base, self.settings = base, settings
        self.interpreter = vllm_interpreter(settings.python)
        self.flags = settings.flags(str(base), names, self.interpreter)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log: BinaryIO | None = None

    @property
    def url(self) -> str:
        """The address for clients on this machine, which ends in /v1."""
        host = EVERYWHERE.get(self.settings.host, self.settings.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            StudentError: it runs already, the port is in use, or the server died or did not answer in time; its last lines are shown.
        """
        if self.running:
            raise StudentError(f"The server at {self.url} runs already. Stop it first.")
        with _claimed(self.settings.host, self.settings.port) as self.port:
            try:
                self._launch()
                self._wait()
            except BaseException:
                self.stop()
                raise

    def _launch(self) -> None:
        words = [self.interpreter.python, str(INSIDE), "--middleware", "__main__.Students", *self.flags]
        words += ["--host", self.settings.host, "--port", str(self.port)]
        told = {"base": str(self.base), "base_digest": base_digest(self.base)}
        told |= {"max_rank": self.settings.highest_rank() if self.settings.adapters else 0}
        environment = {
            **self.interpreter.environment,
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
            "VLLM_API_KEY": self.api_key,  # not a flag: those can be read in the list of processes
            TOLD: orjson.dumps(told).decode(),
        }
        self._log = open(self.settings.log, "ab+") if self.settings.log else tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.PIPE,  # closed with this process: the server reads that, and ends
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, which Ctrl-C does not reach: it is stopped in order
        )

    def _wait(self) -> None:
        until = time.monotonic() + self.settings.patience
        while not self._answers():
            if not self.running:
                raise StudentError(f"vLLM died while starting. Its last lines:\n{self.last_lines()}")
            if time.monotonic() > until:
                raise StudentError(
                    f"vLLM did not answer within {self.settings.patience:g} seconds. Its last lines:\n{self.last_lines()}"
                )
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            Endpoint(self.url, self.api_key).call("GET", "/students", timeout=5)
        except Refused as refused:
            raise StudentError(f"Another server answers at {self.url}: {refused}. Give another port.") from refused
        except StudentError:
            return False
        return True

    def check(self) -> None:
        """See that it runs.

        Raises:
            StudentError: it has ended; its last lines are shown.
        """
        if not self.running:
            raise StudentError(f"vLLM has ended. Its last lines:\n{self.last_lines()}")

    def last_lines(self, count: int = LINES) -> str:
        """What vLLM printed last."""
        if self._log is None or self._log.closed:
            return ""
        file = self._log.fileno()
        data = os.pread(file, TAIL, max(0, os.fstat(file).st_size - TAIL))
        return "\n".join(data.decode(errors="replace").splitlines()[-count:])

    def stop(self) -> None:
        """End it and every process that it started; requests under way are given up."""
        process = self._process
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()
        if self._log:
            self._log.close()
        self._process = None

    def __enter__(self) -> VLLMServer:
        if not self.running:
            self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


@contextmanager
def _claimed(host: str, port: int | None) -> Generator[int]:
    """A port where nobody listens, kept from others who look for one until vLLM has it, which takes the better part of a minute.

    The socket that keeps it never listens, so vLLM can bind beside it; both ask for SO_REUSEADDR.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            kept.bind((host, port or 0))
        except (OSError, OverflowError) as error:
            raise StudentError(
                f"The address {host}:{port or 0} cannot be had: {error}. Give another port, or none for a free one."
            ) from error
        yield int(kept.getsockname()[1])

"""The process of a server: refused, dying, and gone with whoever started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from langdistill.errors import MissingExtra, StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.serving import interpreter
from langdistill.students.serving.server import VLLMServer, _claimed
from langdistill.students.serving.settings import Settings
from langdistill.students.serving.starting import serve
from tests.students.serving.conftest import children, members

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("vllm"), pytest.mark.timeout(900)]


def test_a_server_that_dies_while_starting_shows_its_last_lines(vllm_python: str, tmp_path: Path) -> None:
    log = tmp_path / "vllm.log"
    settings = Settings(python=vllm_python, extra=("--max-model-len", "100000"), log=log)
    with pytest.raises(
        StudentError, match=r"(?s)vLLM died while starting\. Its last lines:\n.*max_model_len \(100000\)"
    ):
        serve(base=WEIGHTS, settings=settings)
    assert "100000" in log.read_text()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_starting_process_ends(vllm_python: str, end: signal.Signals) -> None:
    words = ["-m", "langdistill", "serve", "--base", "lab", "--port", "0", "--vllm-python", vllm_python]
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 60
    while not (groups := [one for one in children(process.pid) if one in members(one)]):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    [group] = groups
    assert group != os.getpgid(process.pid), "a group of its own"
    time.sleep(0.5)
    process.send_signal(end)
    process.wait(60)
    while members(group) and time.monotonic() < until:
        time.sleep(0.1)
    assert members(group) == []


def test_a_port_in_use_is_told_before_anything_is_started(vllm_python: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = VLLMServer(WEIGHTS, ["lab"], Settings(python=vllm_python, port=port))
        with pytest.raises(StudentError, match=f"127.0.0.1:{port} cannot be had: .*in use. Give another port"):
            server.start()
    assert not server.running


def test_a_port_is_kept_for_vllm_while_it_starts() -> None:
    with _claimed("127.0.0.1", None) as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.socket() as vllm:  # it binds so
            vllm.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            vllm.bind(("127.0.0.1", port))
            vllm.listen()
            with pytest.raises(StudentError, match="in use"), _claimed("127.0.0.1", port):
                pass


def test_a_server_for_others_has_a_key(vllm_python: str) -> None:
    with pytest.raises(StudentError, match=r"A server on 0\.0\.0\.0 can be reached from other machines"):
        VLLMServer(WEIGHTS, ["lab"], Settings(python=vllm_python, host="0.0.0.0", api_key=""))
    keys = {VLLMServer(WEIGHTS, ["lab"], Settings(python=vllm_python, host="0.0.0.0")).api_key for _ in range(2)}
    assert len(keys) == 2
    assert min(map(len, keys)) >= 32
    assert VLLMServer(WEIGHTS, ["lab"], Settings(python=vllm_python, api_key="")).api_key == ""


def test_where_there_is_no_vllm_it_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(interpreter.VARIABLE, raising=False)
    if interpreter._asked(sys.executable) is None:
        with pytest.raises(MissingExtra, match=r"'vllm'.*langdistill\[serve\]"):
            VLLMServer(WEIGHTS, ["lab"])
    with pytest.raises(StudentError, match=r"is no Python that has vLLM\. Install it there"):
        VLLMServer(WEIGHTS, ["lab"], Settings(python=tmp_path / "python"))

"""The command line against a real server."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from langdistill.cli import app
from langdistill.cli.options import Format
from langdistill.cli.serve import _tell
from langdistill.errors import StudentError
from langdistill.students.card import Student
from langdistill.students.serving.adapters import Adapters
from langdistill.students.serving.endpoint import Endpoint

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("vllm"), pytest.mark.timeout(900)]

Make = Callable[..., Student]


def run(server: Endpoint, *words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"LANGDISTILL_API_KEY": server.api_key})


def test_what_serve_prints_can_be_pasted(told: str, server: Endpoint) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    [first] = [name for name in Adapters(server).loaded() if name.startswith("first-v1-")]
    assert f"model first, which is {first} now\n" in told
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(told[told.index("from langdistill") :], {})
    assert said.getvalue().strip()


def test_what_serve_prints_for_programs(server: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    _tell(server, Format.json, given=False)  # type: ignore[arg-type]
    found = orjson.loads(capsys.readouterr().out)
    assert (found["url"], found["api_key"]) == (server.url, server.api_key)
    assert found["students"]["first"] in found["models"]
    _tell(server, Format.text, given=True)  # type: ignore[arg-type]
    assert server.api_key not in capsys.readouterr().out, "a key that was given is not printed"


def test_a_running_server_is_changed_from_the_command_line(server: Endpoint, make: Make, tmp_path: Path) -> None:
    place = tmp_path / "agent"
    one, two = (make(place, seed=seed).served_name for seed in (61, 62))
    url = server.url.removesuffix("/v1")
    assert run(server, "students", "load", url, place / "v1").output == f"{one} is loaded\n"
    assert run(server, "students", "swap", url, place / "v1").output == f"{one} is current\n"
    assert run(server, "students", "swap", url, place).output == f"{two} is current\n"
    text = run(server, "students", "served", url).output
    assert f"agent is {two}, before it {one}\n" in text
    assert f"loaded: {two} from {place / 'v2'}\n" in text
    found = orjson.loads(run(server, "students", "served", url, "--format", "json").output)
    assert (found["current"]["agent"], found["replaced"]["agent"]) == (two, [one])
    assert run(server, "students", "rollback", url, "agent").output == f"{one} is current\n"
    assert run(server, "students", "unload", url, two).output == f"{two} is unloaded\n"
    assert run(server, "students", "unload", url, "agent").output == "agent is unloaded\n"
    assert not {one, two} & set(Adapters(server).loaded())


def test_the_page_on_serving_runs(
    server: Endpoint, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGDISTILL_API_KEY", server.api_key)
    one, two, three = (make(Path("students/concierge"), seed=seed) for seed in (71, 72, 73))
    adapters = Adapters(server)
    adapters.swap(one)
    adapters.swap(two)
    page = (Path(__file__).parents[3] / "docs/serving.md").read_text()
    names: dict[str, Any] = {}
    for block in re.findall(r"```py\n(.*?)```", page, re.DOTALL):
        exec(block.replace("http://127.0.0.1:8000", server.url), names)
    printed = capsys.readouterr().out
    assert f"'concierge': '{two.served_name}'" in printed
    assert names["said"].response_metadata["model_name"] == two.served_name
    assert three.served_name not in adapters.loaded()
    assert "logprobs" in names["second"].invoke("Hello").response_metadata
    adapters.unload("concierge")


def test_a_wrong_key_and_a_wrong_address_are_told(server: Endpoint) -> None:
    wrong = run(server, "students", "served", server.url, "--api-key", "guessed")
    assert isinstance(wrong.exception, StudentError)
    assert "refuses the key. Give the one that it was started with" in str(wrong.exception)
    nowhere = run(server, "students", "served", "http://127.0.0.1:1")
    assert "No server answers at http://127.0.0.1:1/v1" in str(nowhere.exception)
    assert "'students/concierge' is no address" in str(
        run(server, "students", "served", "students/concierge").exception
    )

"""What a server of some students would be, before one is started."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from langdistill.errors import StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.card import Student
from langdistill.students.serving.adapters import Adapters
from langdistill.students.serving.endpoint import KEY, Endpoint
from langdistill.students.serving.interpreter import Interpreter
from langdistill.students.serving.kept import KEPT, Version, keep_versions, kept_versions
from langdistill.students.serving.settings import Settings, rank_of
from langdistill.students.serving.starting import planned
from tests.students.serving.conftest import write_card

CPU, GPU = Interpreter("python", "0.32.0", True), Interpreter("python", "0.32.0", False)


def version(place: Path, *, rank: int = 8, **told: object) -> Student:
    """A version with what is read before a server is started: its card, and its adapter's settings."""
    number = len(list(place.glob("v*"))) + 1
    student = write_card(place / f"v{number}", {"weights": f"{number}" * 64, **told})
    (student.folder / "adapter_config.json").write_bytes(orjson.dumps({"r": rank, "rank_pattern": {}}))
    return student


def flag(flags: list[str], name: str) -> str:
    return flags[flags.index(name) + 1]


def test_students_of_one_base_are_planned_with_room_for_their_ranks(tmp_path: Path) -> None:
    one, two = version(tmp_path / "one", rank=40), version(tmp_path / "two")
    plan = planned((tmp_path / "one", two.folder), None, Settings())
    assert (plan.base, plan.base_name) == (WEIGHTS.resolve(), "weights")
    assert {name: [v.name for v in versions] for name, versions in plan.students.items()} == {
        "one": [one.served_name],
        "two": [two.served_name],
    }
    assert flag(plan.settings.flags("base", ["b"], CPU), "--max-lora-rank") == "64"
    assert planned((two.folder,), None, Settings()).settings.highest_rank() == 16
    assert planned((two.folder,), None, Settings(max_rank=8)).settings.highest_rank() == 8


def test_a_student_that_is_a_whole_model_is_the_servers_own(tmp_path: Path) -> None:
    place = tmp_path / "whole"
    student = version(place, holds="model")
    (student.folder / "config.json").write_text("{}")
    plan = planned((place,), None, Settings())
    assert (plan.base, plan.base_name) == (student.folder, student.served_name)
    assert "--enable-lora" not in plan.settings.flags("base", ["b"], GPU)
    with pytest.raises(StudentError, match="is a whole model; a server has one model"):
        planned((place,), WEIGHTS, Settings())


def test_what_does_not_go_together_is_told_before_a_server_is_started(tmp_path: Path) -> None:
    version(tmp_path / "weights")
    one = version(tmp_path / "a" / "one")
    version(tmp_path / "b" / "one")
    version(tmp_path / "score", head="score")
    version(tmp_path / "other", base_digest="0" * 64)
    for students, base, said in [
        ((), None, "There is nothing to serve"),
        ((tmp_path / "none",), None, "There is no student in"),
        ((tmp_path / "a/one", tmp_path / "b/one"), None, "Two students are called 'one'"),
        ((tmp_path / "weights",), None, "The base and a student are both called 'weights'"),
        ((tmp_path / "score",), None, "gives no text but score"),
        ((one.folder, tmp_path / "other"), None, "is another .*Serve it on the base that it was trained on"),
        ((one.folder,), tmp_path, "it holds no config.json"),
    ]:
        with pytest.raises(StudentError, match=said):
            planned(students, base, Settings())


def test_flags_follow_the_build_and_extra_ones_have_the_last_word() -> None:
    settings = Settings(tool_parser="hermes", reasoning_parser="qwen3", extra=("--dtype", "bfloat16"))
    flags = settings.flags("base", ["one", "two"], CPU)
    assert flags[flags.index("--served-model-name") + 1 :][:2] == ["one", "two"]
    assert flag(flags, "--dtype") == "float32"
    assert flags[-2:] == ["--dtype", "bfloat16"]
    assert {"--enforce-eager", "--kv-cache-memory-bytes", "--enable-auto-tool-choice"} <= set(flags)
    assert (flag(flags, "--tool-call-parser"), flag(flags, "--reasoning-parser")) == ("hermes", "qwen3")
    cuda = Settings().flags("base", ["one"], GPU)
    assert flag(cuda, "--dtype") == "auto"
    assert "--enforce-eager" not in cuda
    for extra in (("--api-key", "x"), ("--port=1",)):
        with pytest.raises(StudentError, match=f"{extra[0].partition('=')[0]} is no extra flag"):
            Settings(extra=extra).flags("base", ["one"], CPU)


@pytest.mark.parametrize(("rank", "taken"), [(1, 1), (2, 8), (8, 8), (17, 32), (257, 320), (512, 512)])
def test_ranks_are_rounded_up_to_what_vllm_takes(rank: int, taken: int) -> None:
    assert Settings(max_rank=rank).highest_rank() == taken


def test_a_rank_that_vllm_does_not_take_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match="rank 512 at most, not 513"):
        Settings(max_rank=513).highest_rank()
    (tmp_path / "adapter_config.json").write_text('{"r": 4, "rank_pattern": {"q_proj": 24}}')
    assert rank_of(tmp_path) == 24
    with pytest.raises(StudentError, match="There is no adapter in"):
        rank_of(tmp_path / "none")


def test_an_address_may_be_given_with_or_without_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "from the environment")
    for url in ("http://localhost:8000", "http://localhost:8000/", "http://localhost:8000/v1/"):
        assert Endpoint.of(url) == Endpoint("http://localhost:8000/v1", "from the environment")
    assert Endpoint.of("http://localhost:8000", "given").api_key == "given"
    assert Adapters(Endpoint("http://x/v1", "its own")).api_key == "its own"
    for wrong in ("localhost:8000", "students/concierge", "http://"):
        with pytest.raises(StudentError, match="is no address of a server"):
            Endpoint.of(wrong)
    assert "its own" not in repr(Endpoint("http://x/v1", "its own"))


def test_a_chat_model_names_the_version_and_never_sends_the_key_of_openai(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.delenv(KEY, raising=False)
    student = version(tmp_path / "one")
    model = student.chat_model("http://127.0.0.1:8000", max_tokens=5)
    assert (model.model_name, model.temperature, model.max_tokens) == (student.served_name, 0.0, 5)
    assert model.openai_api_base == "http://127.0.0.1:8000/v1"
    assert model.openai_api_key.get_secret_value() == "none"
    assert student.chat_model("http://x", api_key="k", temperature=0.7).temperature == 0.7
    with pytest.raises(StudentError, match="it is no chat model"):
        version(tmp_path / "judge", head="classes").chat_model("http://x")


def test_what_was_served_is_kept_by_the_names_of_the_folders(tmp_path: Path) -> None:
    place = tmp_path / "one"
    versions = [version(place) for _ in range(3)]
    told = [Version(one.served_name, str(one.folder)) for one in versions]
    keep_versions(told[:2])
    moved = place.rename(tmp_path / "moved")
    assert [one.name for one in kept_versions(moved)] == [one.name for one in told[:2]]
    (moved / "v1" / "student.json").unlink()
    assert [one.name for one in kept_versions(moved)] == [told[1].name], "what is gone is left out"
    assert [one.name for one in kept_versions(moved / "v3")] == [told[1].name, told[2].name]
    (moved / KEPT).write_text("[")
    with pytest.raises(StudentError, match=r"cannot be read: .* Remove it, and the latest version is served"):
        kept_versions(moved)
    alone = write_card(tmp_path / "v9", {"name": "alone"}).folder.rename(tmp_path / "elsewhere")
    keep_versions([Version("alone-v9", str(alone))])
    assert not (tmp_path / KEPT).exists()

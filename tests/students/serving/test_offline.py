from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from pydantic import BaseModel

from langdistill import TraceRecorder, create_self_consistency
from langdistill.asking import chat_model
from langdistill.errors import MissingExtra, StudentError
from langdistill.lab import WEIGHTS, lab_model
from langdistill.lab.tasks import task
from langdistill.students.bases import base_digest
from langdistill.students.card import Stage, Student
from langdistill.students.serving.interpreter import VARIABLE, vllm_interpreter
from langdistill.students.serving.offline import VllmChatModel
from langdistill.students.serving.offline_process import close_all
from langdistill.students.train.recipe import Recipe
from langdistill.students.versioned import CARD

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("vllm_offline"), pytest.mark.timeout(600)]

QUESTION = 'Take the last letters of the words in "Ada Grace" and concatenate them.'
THINK = QUESTION + '\nThink step by step. End with one line that reads "Answer:" and then only the answer.'
HELLO = [HumanMessage("x")]
LONG = {"regex": "[a-z]{400}"}
"""Keeps the engine busy for 400 steps at least."""


@pytest.fixture(scope="module")
def vllm() -> Iterator[None]:
    try:
        vllm_interpreter()
    except MissingExtra as missing:
        assert not os.environ.get("LANGDISTILL_CI"), "install vLLM: these tests must not be skipped here"
        pytest.skip(f"{missing} Or name a Python that has it: {VARIABLE}")
    yield
    held = vllm_model().process
    vllm_model().close()
    close_all()
    assert not Path(f"/proc/{held.pid}").exists()


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two adapters of the lab model that change what it says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    folders = [tmp_path_factory.mktemp(f"adapter{seed}") for seed in (1, 2)]
    for seed, folder in enumerate(folders, 1):
        torch.manual_seed(seed)
        base = AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
        config = LoraConfig(r=4, lora_alpha=4, target_modules=layers, init_lora_weights=False, task_type="CAUSAL_LM")
        get_peft_model(base, config).save_pretrained(folder)
    return folders


@pytest.fixture(scope="module")
def students(adapters: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a student that has one version, the first adapter."""
    place = tmp_path_factory.mktemp("students") / "concierge"
    shutil.copytree(adapters[0], place / "v1")
    stage = Stage(objective="sft", recipe=Recipe(), dataset_hash="0", seed=0, rows=1, steps=1)
    student = Student(folder=place / "v1", name="concierge", version=1, base=str(WEIGHTS), base_digest=base_digest(WEIGHTS),
                      weights="0" * 64, stages=[stage], versions={})  # fmt: skip
    (place / "v1" / CARD).write_text(student.model_dump_json())
    return place


@pytest.fixture(scope="module", autouse=True)
def loading(vllm: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Requests to a process that was killed while it was loading, and to one for a folder that is no model.

    The one that all tests share starts beside them.
    """
    killed = vllm_model()._submit(HELLO, None, {})
    os.kill(vllm_model().process.pid, signal.SIGKILL)
    with pytest.raises(StudentError):
        killed.result()
    broken = tmp_path_factory.mktemp("broken")
    (broken / "config.json").write_text("{}")
    vllm_model()._submit(HELLO, None, {})
    return {"killed": killed, "broken": VllmChatModel(model=str(broken))._submit(HELLO, None, {})}


def vllm_model(**knobs: Any) -> VllmChatModel:
    return VllmChatModel(model=str(WEIGHTS), max_lora_rank=8, **knobs)


def fifty() -> list[str]:
    """Prompts of several tasks and lengths, half of them with thinking."""
    asked = [one.question for name in ("letters", "coin") for one in task(name).draw(25, seed=5, pool="dev").problems]
    return [question + THINK.removeprefix(QUESTION) * (at % 2) for at, question in enumerate(asked)]


def shares(message: Any) -> list[tuple[str, float]]:
    return [(token["token"], token["logprob"]) for token in message.response_metadata["logprobs"]["content"]]


class TestVllmChatModel(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return VllmChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": str(WEIGHTS)}


class TestVllmChatModelAnswers(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return VllmChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        # The lab model has nothing to say to "Hello".
        return {
            "model": str(WEIGHTS),
            "max_lora_rank": 8,
            "max_tokens": 8,
            "structured_outputs": {"regex": "[a-z]{20}"},
        }

    @property
    def has_tool_calling(self) -> bool:  # the lab model writes no calls by itself
        return False

    @property
    def has_structured_output(self) -> bool:
        return False


def test_greedy_replies_equal_those_of_the_model_in_this_process_token_for_token() -> None:
    knobs: dict[str, Any] = {"max_tokens": 64, "logprobs": True, "top_logprobs": 2}
    there = vllm_model(**knobs).batch(fifty(), {"max_concurrency": 50})
    here = lab_model(**knobs).batch(fifty(), {"max_concurrency": 50})
    for one, other in zip(there, here, strict=True):
        assert one.text == other.text
        assert one.usage_metadata == other.usage_metadata
        assert one.response_metadata["finish_reason"] == other.response_metadata["finish_reason"]
        assert [token for token, _ in shares(one)] == [token for token, _ in shares(other)]
        assert [share for _, share in shares(one)] == pytest.approx([share for _, share in shares(other)], abs=1e-3)
        mine, theirs = (message.response_metadata["logprobs"]["content"] for message in (one, other))
        assert [set(token) for token in mine] == [set(token) for token in theirs]
        assert [len(token["top_logprobs"]) for token in mine] == [2] * len(theirs)


def test_invoke_ainvoke_batch_and_stream_agree() -> None:
    model = vllm_model(temperature=0.9, seed=1)
    said = model.invoke(THINK).text
    assert asyncio.run(model.ainvoke(THINK)).text == said
    assert model.batch([THINK, THINK])[1].text == said
    chunks = list(model.stream(THINK))
    assert "".join(chunk.text for chunk in chunks) == said
    assert len(chunks) > 5
    assert chunks[-1].usage_metadata


def test_n_replies_are_different_and_reproducible() -> None:
    model = vllm_model(temperature=1.2, n=8)

    def drawn(**knobs: Any) -> list[str]:
        return [one.text for one in model.generate([[HumanMessage(THINK)]], **knobs).generations[0]]

    assert drawn(seed=1) == drawn(seed=1)
    assert drawn(seed=1) != drawn(seed=2)
    assert len(set(drawn(seed=1))) > 1
    assert drawn(seed=3, top_k=1) == drawn(temperature=0.0), "the likeliest token is the only one"
    assert drawn(seed=3, top_p=1e-6) == drawn(temperature=0.0)
    assert len(drawn(temperature=0.0)) == 8


def test_usage_reason_and_stop() -> None:
    full = vllm_model().invoke(THINK)
    assert full.response_metadata["finish_reason"] == "stop"
    assert full.usage_metadata
    assert full.usage_metadata["output_tokens"] > 20
    short = vllm_model(max_tokens=5).invoke(THINK)
    assert short.response_metadata["finish_reason"] == "length"
    assert short.usage_metadata
    assert short.usage_metadata["output_tokens"] == 5
    cut = vllm_model().invoke(THINK, stop=["Answer"])
    assert cut.text == full.text[: full.text.index("Answer")]


def test_a_long_reply_holds_up_no_short_one() -> None:
    long = vllm_model()._submit(HELLO, None, {"structured_outputs": LONG})
    assert vllm_model().invoke(QUESTION).text == "ae"
    assert not long.done()
    assert len(long.result()["replies"][0]["text"]) == 400


def test_a_request_that_nobody_waits_for_any_more_is_given_up() -> None:
    model = vllm_model()

    async def cancel() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(model.ainvoke(QUESTION, structured_outputs=LONG, max_tokens=401), 0.2)
        assert (await model.ainvoke(QUESTION)).text == "ae"

    asyncio.run(cancel())
    assert not model.process._waiting


def test_tools_reach_the_template_and_calls_are_read() -> None:
    @tool
    def temperature_of(city: str) -> float:
        """The temperature in a city."""
        raise NotImplementedError

    # The lab model knows no tools: it is made to write what a model of that parser writes.
    forced = {"regex": r'<tool_call>\{"name": "temperature_of", "arguments": \{"city": "[A-Z][a-z]{2}"\}\}</tool_call>'}
    model = vllm_model(tool_parser="hermes", structured_outputs=forced)
    reply = model.bind_tools([temperature_of]).invoke(QUESTION)
    [call] = reply.tool_calls
    assert call["name"] == "temperature_of"
    assert len(call["args"]["city"]) == 3
    assert reply.response_metadata["finish_reason"] == "tool_calls"
    streamed = list(model.bind_tools([temperature_of]).stream(QUESTION))
    assert streamed[-1].tool_calls[0]["args"] == call["args"]
    assert model.invoke(QUESTION).text.startswith("<tool_call>"), "without tools it is text"
    assert reply.text == ""
    answered = [HumanMessage(QUESTION), reply, ToolMessage("8", tool_call_id=call["id"])]
    assert model.bind_tools([temperature_of]).invoke(answered).tool_calls


def test_a_tool_choice_holds_the_reply_to_one_call() -> None:
    class Mood(BaseModel):
        """How somebody feels."""

        happy: bool
        score: Literal[1, 2, 3]

    @tool
    def leave(now: bool) -> None:
        """Go away."""

    model = vllm_model(max_tokens=100)
    [call] = model.bind_tools([leave, Mood], tool_choice="any").invoke(QUESTION).tool_calls
    assert call["name"] in ("leave", "Mood")
    [call] = model.bind_tools([leave, Mood], tool_choice="leave").invoke(QUESTION).tool_calls
    assert call["name"] == "leave"
    assert isinstance(call["args"]["now"], bool)
    mood = model.with_structured_output(Mood).invoke(QUESTION)
    assert isinstance(mood, Mood)
    cut = model.bind_tools([leave], tool_choice="any").invoke(QUESTION, max_tokens=3)
    assert (cut.tool_calls, cut.response_metadata["finish_reason"]) == ([], "length")
    with pytest.raises(StudentError, match="'stay' is none of the tools Mood, leave"):
        model.bind_tools([leave, Mood], tool_choice="stay")


def test_samples_of_a_strategy_are_recorded_with_their_log_probabilities_and_usage(tmp_path: Path) -> None:
    graph = create_self_consistency(vllm_model(logprobs=True, top_logprobs=3), samples=4)
    with TraceRecorder(tmp_path / "traces.db") as recorder:
        graph.invoke({"messages": [("user", QUESTION)]})
    recorder.flush()
    [trace] = recorder.store.traces()
    [call] = trace.calls
    assert len(call.replies) == 4
    assert call.usage.output_tokens == sum(len(reply.logprobs or ()) for reply in call.replies) > 40
    assert {len(token["top_logprobs"]) for reply in call.replies for token in reply.logprobs or ()} == {3}


def test_a_string_names_a_student_where_a_model_is_asked_for(students: Path) -> None:
    draw = task("letters").draw(8, seed=3, pool="dev")
    inputs = [{"messages": [("user", problem.question)]} for problem in draw.problems]
    outputs = create_self_consistency(f"vllm:{students}", samples=3).batch(inputs)
    assert all(out["messages"][-1].text and "answer" in out for out in outputs)
    named = chat_model(f"vllm:{students}")
    assert isinstance(named, VllmChatModel)
    assert (named.model, named.adapter) == (str(WEIGHTS), str(students / "v1"))
    assert named.process is vllm_model().process, "one engine for base and adapters"
    assert named.invoke(QUESTION).text == lab_model(adapter=str(students / "v1"), max_tokens=400).invoke(QUESTION).text


def test_adapters_answer_as_in_this_process_beside_their_base(adapters: list[Path]) -> None:
    asked, said = fifty()[:8], []
    for folder in (None, *map(str, adapters)):
        knobs: dict[str, Any] = {"adapter": folder, "max_tokens": 32, "logprobs": True}
        there = vllm_model(**knobs).batch(asked, {"max_concurrency": 8})
        here = lab_model(**knobs).batch(asked, {"max_concurrency": 8})
        said.append([[token for token, _ in shares(message)] for message in there])
        assert said[-1] == [[token for token, _ in shares(message)] for message in here]
    assert said[0] != said[1] != said[2] != said[0]


def test_what_cannot_be_asked_is_told_and_the_others_go_on(tmp_path: Path, loading: dict[str, Any]) -> None:
    model = vllm_model()
    asked = [QUESTION, "a b c " * 600, QUESTION]
    first, long, last = model.batch(asked, return_exceptions=True)  # type: ignore[misc]
    assert isinstance(long, StudentError)
    assert "the context of the model is 512" in str(long)
    assert first.text == last.text == "ae"
    with pytest.raises(StudentError, match="top_p must be in"):
        model.invoke(QUESTION, top_p=2.0)
    with pytest.raises(StudentError, match=r"holds no config\.json"):
        VllmChatModel(model=str(tmp_path)).invoke("x")
    with pytest.raises(StudentError, match=r"holds no adapter_config\.json"):
        vllm_model(adapter=str(tmp_path)).invoke("x")
    with pytest.raises(StudentError, match=r"(?s)before '.*broken0' was loaded.*Its last lines:.*model_type"):
        loading["broken"].result()


def test_an_adapter_that_there_is_no_room_for_fails_alone(adapters: list[Path], tmp_path: Path) -> None:
    large = shutil.copytree(adapters[0], tmp_path / "large")
    settings = json.loads((large / "adapter_config.json").read_text())
    (large / "adapter_config.json").write_text(json.dumps({**settings, "r": 9}))
    pid = vllm_model().process.pid
    with pytest.raises(StudentError, match="rank 9 is greater than"):
        vllm_model(adapter=str(large)).invoke(QUESTION)
    assert vllm_model(adapter=str(adapters[0])).invoke(QUESTION).text
    assert vllm_model().process.pid == pid


def test_no_vllm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/bin/true")
    with pytest.raises(StudentError, match="no Python that has vLLM"):
        vllm_model().invoke(QUESTION)
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(MissingExtra, match=r"langdistill\[serve\]"):
        vllm_model().invoke(QUESTION)


STARTS = f"""
import os, time
from langchain_core.messages import HumanMessage, ToolMessage
from langdistill.students.serving.offline import VllmChatModel
model = VllmChatModel(model={str(WEIGHTS)!r})
model._submit([HumanMessage("x")], None, {{}})
if not os.fork():
    time.sleep(60)  # holds the pipes open
    os._exit(0)
print(model.process.pid, flush=True)
time.sleep(60)
"""


def test_it_ends_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, start_new_session=True) as starter:
        assert starter.stdout
        pid = int(starter.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        starter.kill()
        until = time.monotonic() + 60
        while Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text():
            assert time.monotonic() < until, "the process outlives the one that started it"
            time.sleep(0.1)
        os.killpg(starter.pid, signal.SIGKILL)


def test_a_process_that_is_killed_fails_what_it_had_and_the_next_request_starts_another(
    loading: dict[str, Any],
) -> None:
    with pytest.raises(
        StudentError, match=r"ended with code -9 before .* was loaded\. The next request starts it again"
    ):
        loading["killed"].result()
    model = vllm_model()
    assert model.invoke(QUESTION).text == "ae", "another has been started"
    process = model.process
    long = model._submit(HELLO, None, {"structured_outputs": LONG})
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(StudentError, match=r"ended with code -9 before .* answered"):
        long.result()
    assert not process.alive
    assert not Path(f"/proc/{process.pid}").exists(), "nothing is left of it, no zombie either"
    assert isinstance(process.submit({}).exception(), StudentError)

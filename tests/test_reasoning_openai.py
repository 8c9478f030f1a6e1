"""The client that keeps the reasoning, against a server on loopback that answers as vLLM, SGLang and DeepSeek do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import openai
import pytest
from langchain.agents import create_agent
from langchain_core.load import dumpd, load
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import ConfigurableField
from langchain_tests.unit_tests import ChatModelUnitTests
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel

from langdistill import ReasoningChatOpenAI, TraceRecorder
from langdistill.stores.opening import open_store
from tests.thinking_server import THOUGHT, Server

BETA = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")  # `load` and the v3 events


@pytest.fixture
def url() -> Iterator[str]:
    Server.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def chat(url: str) -> Iterator[Any]:
    made: list[ReasoningChatOpenAI] = []

    def make(model: str = "vllm", **given: Any) -> ReasoningChatOpenAI:
        made.append(ReasoningChatOpenAI(model=model, base_url=url, api_key="none", max_retries=0, **given))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.root_client.close()


def thought(message: Any) -> Any:
    return message.additional_kwargs.get("reasoning_content")


def whole(chunks: Any) -> AIMessageChunk:
    first, *others = chunks
    return sum(others, first)


@pytest.mark.parametrize("model", ["vllm", "deepseek", "both"])
def test_the_reasoning_is_kept_however_the_server_spells_it(chat: Any, model: str) -> None:
    said = chat(model).invoke("17 * 23?")
    assert (said.text, thought(said)) == ("391", THOUGHT)
    assert said.content_blocks == [{"type": "reasoning", "reasoning": THOUGHT}, {"type": "text", "text": "391"}]
    streamed = list(chat(model).stream("17 * 23?"))
    assert [thought(one) for one in streamed if thought(one)] == ["Reply ", "0: ", "340 ", "and ", "51. "]
    assert (whole(streamed).text, thought(whole(streamed))) == ("391", f"{THOUGHT} ")


def test_a_server_without_reasoning_is_as_with_the_parent(chat: Any) -> None:
    said = chat("mute").invoke("17 * 23?")
    assert (said.text, said.additional_kwargs) == ("391", {"refusal": None})
    assert whole(chat("mute").stream("17 * 23?")).additional_kwargs == {}


async def test_asynchronously(chat: Any) -> None:
    model = chat()
    said = await model.ainvoke("17 * 23?")
    assert (said.text, thought(said)) == ("391", THOUGHT)
    streamed = whole([one async for one in model.astream("17 * 23?")])
    assert (streamed.text, thought(streamed)) == ("391", f"{THOUGHT} ")
    assert [thought(one) for one in await model.abatch(["a", "b"])] == [THOUGHT, THOUGHT]
    await model.root_async_client.close()


@pytest.mark.parametrize("streams", [False, True])
def test_usage_and_why_it_stopped(chat: Any, streams: bool) -> None:
    said = whole(chat().stream("17 * 23?")) if streams else chat().invoke("17 * 23?")
    assert said.usage_metadata == {
        "input_tokens": 9,
        "output_tokens": 12,
        "total_tokens": 21,
        "input_token_details": {"cache_read": 4},
        "output_token_details": {"reasoning": 7},
    }
    assert said.response_metadata["finish_reason"] == "stop"
    assert said.response_metadata["model_name"] == "m-2026"
    assert ("stream_options" in Server.asked[0]) == streams


def test_usage_is_not_asked_for_where_the_user_says_so(chat: Any) -> None:
    assert whole(chat(stream_usage=False).stream("17 * 23?")).usage_metadata is None
    assert "stream_options" not in Server.asked[0]


@pytest.mark.parametrize("streams", [False, True])
def test_log_probabilities_and_the_ids_of_tokens(chat: Any, streams: bool) -> None:
    model = chat(logprobs=True, extra_body={"return_token_ids": True})
    said = whole(model.stream("17 * 23?")) if streams else model.invoke("17 * 23?")
    assert [one["logprob"] for one in said.response_metadata["logprobs"]["content"]] == [-0.5]
    assert said.response_metadata["token_ids"] == [51, 57]
    assert said.response_metadata["prompt_token_ids"] == [1, 2, 3]


def test_no_ids_where_none_are_given(chat: Any) -> None:
    assert not {"token_ids", "prompt_token_ids"} & set(chat().invoke("17 * 23?").response_metadata)


def test_n_replies_are_kept_apart(chat: Any) -> None:
    [replies] = chat(n=2, extra_body={"return_token_ids": True}).generate([[HumanMessage("17 * 23?")]]).generations
    assert [(one.text, thought(one.message)) for one in replies] == [("391", THOUGHT), ("392", "Reply 1: 340 and 51.")]
    assert [one.generation_info["token_ids"] for one in replies] == [[51, 57], [51, 58]]


@BETA
def test_n_replies_are_not_mixed_in_a_stream(chat: Any) -> None:
    said = whole(chat().bind(n=2).stream("17 * 23?"))
    assert (said.text, thought(said)) == ("391", THOUGHT)
    said = chat(n=2).stream_events("17 * 23?", version="v3").output
    assert (said.text, thought(said)) == ("391", f"{THOUGHT} ")


@pytest.mark.parametrize("mode", ["messages", "updates"])
def test_all_n_replies_reach_the_recorder_of_a_streamed_graph(chat: Any, mode: Any, tmp_path: Any) -> None:
    model = chat(n=2)
    graph: Any = StateGraph(MessagesState)
    graph.add_node("think", lambda state: {"messages": [model.invoke(state["messages"])]}).add_edge(START, "think")
    with TraceRecorder(tmp_path / "t.db") as recorder:
        list(graph.compile().stream({"messages": [("user", "17 * 23?")]}, stream_mode=mode))
    recorder.close()
    [trace] = open_store(tmp_path / "t.db").traces()
    [call] = trace.calls
    assert [one.message.get("reasoning_content") for one in call.replies] == [THOUGHT, "Reply 1: 340 and 51."]
    assert [one.message["content"] for one in call.replies] == ["391", "392"]


def times(a: int, b: int) -> int:
    """Multiply."""
    return a * b


@pytest.mark.parametrize("streams", [False, True])
def test_tool_calls_beside_reasoning(chat: Any, streams: bool) -> None:
    model = chat().bind_tools([times])
    said = whole(model.stream("17 * 23?")) if streams else model.invoke("17 * 23?")
    assert [(one["name"], one["args"]) for one in said.tool_calls] == [("times", {"a": 17, "b": 23})]
    assert thought(said).strip() == THOUGHT
    assert {one["type"] for one in said.content_blocks} == {"reasoning", "tool_call"}


class Product(BaseModel):
    """A product."""

    product: int


def test_structured_output(chat: Any) -> None:
    told = chat().with_structured_output(Product, include_raw=True).invoke("17 * 23?")
    assert (told["parsed"], thought(told["raw"])) == (Product(product=391), THOUGHT)
    assert chat().with_structured_output({"title": "p", "type": "object"}, method="json_mode").invoke("?") == {
        "product": 391
    }


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # of ChatOpenAI, with any streamed schema
def test_streamed_structured_output_tells_the_reasoning_once(chat: Any) -> None:
    told = whole(chat().with_structured_output(Product, include_raw=True).stream("17 * 23?"))
    assert (told["parsed"], thought(told["raw"])) == (Product(product=391), f"{THOUGHT} ")
    raw = whole(chat().bind(response_format=Product).stream("17 * 23?"))
    assert (thought(raw), raw.additional_kwargs["parsed"]) == (f"{THOUGHT} ", Product(product=391))


TALK = [
    SystemMessage("Think."),
    HumanMessage("1 + 1?"),
    AIMessage("2", additional_kwargs={"reasoning_content": "Old."}),
    HumanMessage("17 * 23?"),
    AIMessage(
        "", tool_calls=[{"id": "c1", "name": "times", "args": {}}], additional_kwargs={"reasoning_content": "New."}
    ),
    ToolMessage("391", tool_call_id="c1"),
]


@pytest.mark.parametrize(
    ("send", "sent"),
    [("never", {}), ("turn", {4: "New."}), ("always", {2: "Old.", 4: "New."})],
    ids=lambda one: str(one),
)
def test_what_is_sent_back(chat: Any, send: str, sent: dict[int, str]) -> None:
    chat(send_reasoning=send).invoke(TALK)
    asked = Server.asked[0]["messages"]
    assert {at: one["reasoning_content"] for at, one in enumerate(asked) if "reasoning_content" in one} == sent
    assert all("reasoning" not in one for one in asked)
    assert [one["role"] for one in asked] == ["system", "user", "assistant", "user", "assistant", "tool"]


def test_an_agent_thinks_on_after_its_tool(chat: Any) -> None:
    agent = create_agent(chat(send_reasoning="turn"), [times])
    said = agent.invoke({"messages": [HumanMessage("17 * 23?")]})["messages"]
    assert [thought(one) for one in said if isinstance(one, AIMessage)] == [THOUGHT, THOUGHT]
    assert Server.asked[1]["messages"][1]["reasoning_content"] == THOUGHT


def test_the_v1_format_of_messages(chat: Any) -> None:
    model = chat(output_version="v1", send_reasoning="always")
    said = model.invoke("17 * 23?")
    assert [one["type"] for one in said.content] == ["reasoning", "text"]
    del said.additional_kwargs["reasoning_content"]
    model.invoke([HumanMessage("17 * 23?"), said, HumanMessage("Sure?")])
    assert Server.asked[1]["messages"][1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "391"}],
        "reasoning_content": THOUGHT,
    }


@BETA
def test_reasoning_and_tool_call_are_two_blocks_of_a_stream(chat: Any) -> None:
    model = chat(output_version="v1").bind_tools([times])
    for said in (whole(model.stream("17 * 23?")), model.stream_events("17 * 23?", version="v3").output):
        assert [one["type"] for one in said.content] == ["reasoning", "tool_call"]
        assert said.content[0]["reasoning"] == f"{THOUGHT} "
        assert [one["args"] for one in said.tool_calls] == [{"a": 17, "b": 23}]
    said = whole(chat(output_version="v1").stream("17 * 23?"))
    assert ([one["type"] for one in said.content], said.text) == (["reasoning", "text"], "391")


@BETA
async def test_events_of_the_second_and_third_version(chat: Any) -> None:
    model = chat()
    second = [one async for one in model.astream_events("17 * 23?", version="v2")]
    assert (
        thought(whole([one["data"]["chunk"] for one in second if one["event"] == "on_chat_model_stream"]))
        == f"{THOUGHT} "
    )
    assert thought(second[-1]["data"]["output"]) == f"{THOUGHT} "
    events = [one async for one in await model.astream_events("17 * 23?", version="v3")]
    deltas = [one["delta"] for one in events if one["event"] == "content-block-delta"]
    assert "".join(one["reasoning"] for one in deltas if one["type"] == "reasoning-delta") == f"{THOUGHT} "
    await model.root_async_client.close()


@pytest.mark.parametrize("streams", [False, True])
def test_the_words_of_a_server_that_refuses(chat: Any, streams: bool) -> None:
    with pytest.raises(openai.NotFoundError, match=r"The model `missing` does not exist\."):
        list(chat("missing").stream("?")) if streams else chat("missing").invoke("?")


def test_a_wrong_setting_is_told() -> None:
    with pytest.raises(ValueError, match="'never', 'turn' or 'always'"):
        ReasoningChatOpenAI(model="m", api_key="none", send_reasoning="sometimes")  # type: ignore[arg-type]


def test_configured_at_run_time(chat: Any) -> None:
    model = chat().configurable_fields(model_name=ConfigurableField(id="model"))
    assert thought(model.invoke("?", {"configurable": {"model": "deepseek"}})) == THOUGHT
    assert Server.asked[0]["model"] == "deepseek"


@BETA
def test_saved_and_loaded_without_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    saved = dumpd(ReasoningChatOpenAI(model="m", send_reasoning="turn"))
    assert "sk-secret" not in json.dumps(saved)
    known: Any = {"valid_namespaces": ["langdistill"], "allowed_objects": [ReasoningChatOpenAI]}
    again: Any = load(saved, secrets_from_env=True, **known)
    assert again.openai_api_key.get_secret_value() == "sk-secret"
    assert (type(again), again.send_reasoning, again.model_name) == (ReasoningChatOpenAI, "turn", "m")


class TestStandard(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[ReasoningChatOpenAI]:
        return ReasoningChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "m", "api_key": "none", "base_url": "http://localhost:8000/v1"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        told = {"OPENAI_API_KEY": "none", "OPENAI_API_BASE": "http://localhost:8000/v1"}
        return told, {"model": "m"}, {"openai_api_key": "none", "openai_api_base": "http://localhost:8000/v1"}

    @pytest.mark.xfail(
        reason='`load(allowed_objects="all")` knows the classes of LangChain\'s own packages only', strict=True
    )
    def test_serdes(self, model: Any, snapshot: Any) -> None:
        super().test_serdes(model, snapshot)

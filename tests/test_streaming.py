"""What of a strategy reaches somebody who streams it."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage, AIMessageChunk
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from langdistill import (
    Think,
    TraceRecorder,
    budget,
    create_chain_of_thought,
    create_least_to_most,
    create_rephrase_and_respond,
    create_self_consistency,
    create_system2_attention,
)
from langdistill.answers import answer_part
from langdistill.stores.opening import open_store
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel

ASKED: Any = {"messages": [("user", "Who?")]}
REPLY = "First I think of\nmany things.\nAnswer: the quick brown fox"


def model() -> OneReplyChatModel:
    return OneReplyChatModel(script=lambda messages, number: REPLY)


def streamed(graph: Any, config: Any = None, **how: Any) -> list[Any]:
    async def collect() -> list[Any]:
        return [part async for part in graph.astream(ASKED, config, stream_mode="messages", **how)]

    now = list(graph.stream(ASKED, config, stream_mode="messages", **how))
    assert [part[0].text for part in now] == [part[0].text for part in asyncio.run(collect())]
    return now


@pytest.mark.parametrize("create", [create_chain_of_thought, create_rephrase_and_respond, create_least_to_most])
def test_the_tokens_of_the_answer_come_as_they_are_said(create: Any) -> None:
    parts = streamed(create(model()))
    assert [part[0].text for part in parts if part[0].text] == ["the", " quick", " brown", " fox"]
    assert len({part[0].id for part in parts}) == 1
    assert all(isinstance(part[0], AIMessageChunk) for part in parts)
    assert {part[1]["langgraph_node"] for part in parts} <= {"think", "respond", "conclude"}


def test_a_reply_that_is_the_answer_is_streamed_whole() -> None:
    parts = streamed(create_system2_attention(model()))
    assert "".join(part[0].text for part in parts) == REPLY
    assert len(parts) > 5


def test_the_message_in_the_state_is_the_one_that_was_streamed() -> None:
    graph = create_chain_of_thought(model())
    modes: Any = ["messages", "values"]
    parts = list(graph.stream(ASKED, stream_mode=modes))
    said = {part[0].id for mode, part in parts if mode == "messages"}
    assert {parts[-1][1]["messages"][-1].id} == said


def test_with_a_checkpointer_all_is_the_same() -> None:
    graph = create_rephrase_and_respond(model(), checkpointer=InMemorySaver())
    parts = list(graph.stream(ASKED, {"configurable": {"thread_id": "1"}}, stream_mode="messages"))
    assert [part[0].text for part in parts if part[0].text] == ["the", " quick", " brown", " fox"]
    assert {part[1]["langgraph_node"] for part in parts} == {"respond"}


def test_as_a_node_the_answer_is_streamed_from_the_subgraph() -> None:
    parent = StateGraph(MessagesState).add_node("think", create_chain_of_thought(model())).add_edge(START, "think")
    parts: Any = list(parent.compile().stream(ASKED, stream_mode="messages", subgraphs=True))
    assert "".join(part[0].text for _, part in parts) == "the quick brown fox"
    outer: Any = list(parent.compile().stream(ASKED, stream_mode="messages"))
    assert [part[0].text for part in outer] == ["the quick brown fox"]


def test_a_vote_is_told_once_at_its_end() -> None:
    parts = streamed(create_self_consistency(model(), samples=3))
    assert [part[0].text for part in parts] == ["the quick brown fox"]
    assert isinstance(parts[0][0], AIMessage)


def test_streaming_asks_and_counts_and_records_nothing_twice(tmp_path: Any) -> None:
    asked = model()
    recorder = TraceRecorder(tmp_path / "traces.db")
    graph = create_rephrase_and_respond(asked)
    with budget() as spent:
        for _ in graph.stream(ASKED, {"callbacks": [recorder]}, stream_mode="messages"):
            pass
    recorder.close()
    assert spent.completions == len(asked.prompts) == 2
    [trace] = open_store(tmp_path / "traces.db").traces()
    assert len(trace.calls) == 2
    assert [call.replies[0].message["content"] for call in trace.calls] == [REPLY, REPLY]
    assert trace.answer == "the quick brown fox"


def test_event_streams_hold_every_token_of_the_model_once() -> None:
    async def collect() -> list[str]:
        events = create_chain_of_thought(model()).astream_events(ASKED, version="v2")
        return [event["data"]["chunk"].text async for event in events if event["event"] == "on_chat_model_stream"]

    assert "".join(asyncio.run(collect())) == REPLY


@pytest.mark.parametrize("how", ["messages", "events"])
def test_n_replies_of_one_request_do_not_come_mixed_up(how: str) -> None:
    """A server streams the words of n replies interleaved; whoever streams must not make the samples garbage."""
    asked = ScriptedChatModel(script=lambda messages, number: f"I think {number}.\nAnswer: {number % 2}")
    graph = create_self_consistency(asked, samples=3)

    async def events() -> Any:
        return [event async for event in graph.astream_events(ASKED, version="v2")][-1]["data"]["output"]

    if how == "events":
        output = asyncio.run(events())
    else:
        modes: Any = ["messages", "values"]
        *_, (_, output) = graph.stream(ASKED, stream_mode=modes)
        assert [one["vote"] for one in output["candidates"]] == ["0", "1", "0"]
    assert output["answer"] == "0"
    assert len(asked.prompts) == 3


def test_the_conclusions_of_sampled_graphs_stand_under_names_of_their_own() -> None:
    voting = create_self_consistency(create_chain_of_thought(model()), samples=3)
    assert [part[0].text for part in streamed(voting)] == ["the quick brown fox"]
    parts: Any = list(voting.stream(ASKED, stream_mode="messages", subgraphs=True))
    assert [part[0].text for namespace, part in parts if namespace == ()] == ["the quick brown fox"]
    assert len(parts) == 4


def test_an_answer_that_turns_out_otherwise_is_a_message_of_its_own() -> None:
    replies = "Answer: 5\nNo, wait.\nAnswer: 4"
    graph = create_chain_of_thought(OneReplyChatModel(script=lambda messages, number: replies))
    parts = streamed(graph)
    assert [(part[0].text, index) for index, part in enumerate(parts) if part[0].text] == [
        ("5", 0),
        ("4", len(parts) - 1),
    ]
    assert parts[0][0].id != parts[-1][0].id


def test_an_answer_that_another_reader_reads_is_told_at_the_end() -> None:
    graph = create_chain_of_thought(model(), extract=lambda text: text.split()[-1])
    assert [part[0].text for part in streamed(graph)] == ["fox"]


def test_a_process_wide_cache_of_replies() -> None:
    graph = create_chain_of_thought(model())
    set_llm_cache(InMemoryCache())
    try:
        for _ in range(2):
            parts = list(graph.stream(ASKED, stream_mode="messages"))
            assert "".join(part[0].text for part in parts) == "the quick brown fox"
    finally:
        set_llm_cache(None)


def test_around_an_agent_nothing_is_told_twice() -> None:
    agent = create_agent(model(), middleware=[Think(create_system2_attention)])
    parts: Any = list(agent.stream(ASKED, stream_mode="messages", subgraphs=True))
    assert "".join(part[0].text for _, part in parts) == REPLY


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("", ""),
        ("I think", ""),
        ("I think\nAnsw", ""),
        ("I think\nAnswer:", ""),
        ("I think\nAnswer: 4", "4"),
        ("**Answer:** 4", "4"),
        ("Final answer: 4\nor so", "4"),
        ('Answer: "nk"', "nk"),
        ("Answer: U.S. do", "U.S. do"),
        ("My answer: none yet. I think", ""),
    ],
)
def test_what_may_be_heard_of_a_reply(text: str, heard: str) -> None:
    assert answer_part(text) == heard


def test_what_may_be_heard_only_grows() -> None:
    heard = [answer_part(REPLY[:end]) for end in range(len(REPLY) + 1)]
    assert all(later.startswith(sooner) for sooner, later in pairwise(heard))

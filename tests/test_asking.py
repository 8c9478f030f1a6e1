from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Send
from typing_extensions import TypedDict

from langdistill import (
    Think,
    ask,
    budget,
    caching,
    create_best_of_n,
    create_chain_of_thought,
    create_least_to_most,
    node,
)
from langdistill.asking import chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.errors import ModelError, StoreError
from langdistill.jobs import sample_path
from langdistill.testing.models import OneReplyChatModel


class Echo(BaseChatModel):
    """Says what it was asked and how often it was asked before; every third request fails if told so."""

    failing: bool = False
    delay: float = 0.0
    asked: list[str] = []

    @property
    def _llm_type(self) -> str:
        return "echo"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        time.sleep(self.delay)
        self.asked.append(messages[-1].text)
        if self.failing and len(self.asked) % 3 == 0:
            raise RuntimeError("no reply")
        replies = [self._reply(messages, kwargs) for _ in range(kwargs.get("n", 1))]
        return ChatResult(generations=replies)

    def _reply(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> ChatGeneration:
        text = f"{messages[-1].text}{kwargs.get('temperature', '')}"
        usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
        return ChatGeneration(message=AIMessage(text, usage_metadata=usage))  # type: ignore[arg-type]


class EchoMany(Echo):
    """The same with a field `n`: all replies from one request."""

    n: int = 1


class State(TypedDict, total=False):
    said: list[Any]


def run(body: Any, **config: Any) -> list[Any]:
    graph = StateGraph(State).add_node("body", node(body)).add_edge(START, "body").compile()
    now = graph.invoke({}, config)["said"]  # type: ignore[arg-type]
    then = asyncio.run(graph.ainvoke({}, config))["said"]  # type: ignore[arg-type]
    assert now == then, "invoke and ainvoke differ"
    return now


def texts(replies: list[AIMessage]) -> list[str]:
    return [reply.text for reply in replies]


@pytest.mark.parametrize("model", [Echo, EchoMany])
def test_n_replies(model: type[Echo]) -> None:
    def body(state: State):
        replies = yield ask(model(), "x", n=3, temperature=0.5, seed=None)
        return {"said": texts(replies)}

    assert run(body) == ["x0.5"] * 3


def test_one_request_serves_n_where_the_model_can() -> None:
    one, many = Echo(asked=[]), EchoMany(asked=[])

    def body(state: State):
        yield [ask(one, "x", n=4), ask(many.bind(stop=["y"]), "x", n=4)]
        return {"said": []}

    run(body)
    assert (len(one.asked), len(many.asked)) == (8, 2)


def test_several_asks_are_answered_in_order() -> None:
    def body(state: State):
        first, second = yield [ask(Echo(), "a"), ask(Echo(), "b", n=2)]
        [third] = yield ask(Echo(), "c")
        return {"said": [texts(first), texts(second), third.text]}

    assert run(body) == [["a"], ["b", "b"], "c"]


def test_a_body_that_asks_nothing_is_a_plain_node() -> None:
    assert run(lambda state: {"said": [1]}) == [1]


def test_samples_run_concurrently() -> None:
    def body(state: State):
        replies = yield ask(Echo(delay=0.5), "x", n=16)
        return {"said": texts(replies)}

    started = time.perf_counter()
    run(body, max_concurrency=16)
    assert time.perf_counter() - started < 12, "sequential calls alone would take 16 s"


def test_a_failed_sample_is_kept_apart() -> None:
    def body(state: State):
        replies = yield ask(Echo(failing=True, asked=[]), "x", n=5)
        return {"said": texts(replies)}

    assert run(body) == ["x"] * 4


def test_the_first_error_is_raised_where_nothing_came() -> None:
    class Mute(Echo):
        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise RuntimeError("down")

    def body(state: State):
        yield ask(Mute(), "x", n=2)

    with pytest.raises(RuntimeError, match="down") as caught:
        run(body)
    assert "All 2 requests" in caught.value.__notes__[0]


@pytest.mark.parametrize("n", [0, -1])
def test_at_least_one_reply(n: int) -> None:
    with pytest.raises(ModelError, match="at least one"):
        ask(Echo(), "x", n=n)


def test_the_callers_config_reaches_the_model() -> None:
    seen: list[dict[str, Any]] = []

    class Look(BaseCallbackHandler):
        run_inline = True

        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            seen.append({"tags": kwargs["tags"], **kwargs["metadata"]})

    def body(state: State):
        yield [ask(Echo(), "x", candidate=True), ask(EchoMany(), "y", n=2)]
        return {"said": []}

    run(body, callbacks=[Look()], metadata={"problem": "p1"}, tags=["mine"])
    assert len(seen) == 4
    assert all(one["problem"] == "p1" and {"mine", "nostream"} <= set(one["tags"]) for one in seen)
    assert sorted(bool(one.get("candidate")) for one in seen) == [False, False, True, True]


def test_samples_of_a_graph_are_told_apart() -> None:
    paths: set[tuple[int, ...]] = set()
    lock = threading.Lock()

    class Path(Echo):
        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            with lock:
                paths.add(sample_path.get())
            return super()._generate(*args, **kwargs)

    inner = create_chain_of_thought(Path())

    def body(state: State):
        replies = yield ask(inner, "x", n=3)
        return {"said": [len(replies)]}

    assert run(body) == [3]
    assert paths == {(0,), (1,), (2,)}
    assert sample_path.get() == ()


def test_a_budget_cuts_a_group_short_and_then_raises() -> None:
    def body(state: State):
        replies = yield ask(Echo(), "x", n=3)
        return {"said": texts(replies)}

    graph = StateGraph(State).add_node("body", node(body)).add_edge(START, "body").compile()
    with budget(completions=5) as spent:
        assert len(graph.invoke({})["said"]) == 3
        assert len(graph.invoke({})["said"]) == 2
        with pytest.raises(BudgetSpent, match="completions 5 of 5"):
            graph.invoke({})
    assert (spent.completions, spent.tokens) == (5, 10)
    assert len(graph.invoke({})["said"]) == 3


def test_a_token_budget_stops_the_next_request() -> None:
    def body(state: State):
        replies = yield ask(Echo(), "x", n=3)
        return {"said": texts(replies)}

    graph = StateGraph(State).add_node("body", node(body)).add_edge(START, "body").compile()
    with budget(tokens=6):
        assert len(graph.invoke({})["said"]) == 3
        with pytest.raises(BudgetSpent):
            graph.invoke({})


def test_a_cache_asks_only_for_what_is_missing(tmp_path: Any) -> None:
    model = Echo(asked=[])

    def body(n: int) -> Any:
        def inner(state: State):
            replies = yield ask(model, "x", n=n, temperature=0.1)
            return {"said": texts(replies)}

        return inner

    with caching(tmp_path / "replies.db"):
        run(body(2))
        assert len(model.asked) == 2, "ainvoke was answered from the cache"
    with caching(tmp_path / "replies.db"):
        assert len(run(body(5))) == 5
        assert len(model.asked) == 5
    run(body(1))
    assert len(model.asked) == 7, "outside the block nothing is remembered"


def test_a_cache_tells_apart_what_is_bound_to_a_model(tmp_path: Any) -> None:
    asked = Echo(asked=[])

    def body(model: Any) -> Any:
        def inner(state: State):
            [reply] = yield ask(model, "x")
            return {"said": [reply.text]}

        return inner

    with caching(tmp_path / "replies.db"):
        assert run(body(asked.bind(temperature=0.1))) == ["x0.1"]
        assert run(body(asked.bind(temperature=0.2))) == ["x0.2"]
    assert len(asked.asked) == 2


def test_a_cache_beside_a_checkpointer_gives_every_step_its_own_reply(tmp_path: Any) -> None:
    down = [True]

    def script(messages: list[BaseMessage], number: int) -> str:
        asked = messages[-1].text
        if "Write at most" in asked:
            return "ONE?\nTWO?\nTHREE?"
        last = asked.rsplit("Question: ", 1)[1].split("\n")[0]
        if last == "TWO?" and down:
            down.clear()
            raise ConnectionError("down")
        return f"answer to {last}"

    graph = create_least_to_most(OneReplyChatModel(script=script), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    with caching(tmp_path / "replies.db"):
        with pytest.raises(ConnectionError):
            graph.invoke({"messages": [("user", "2+2?")]}, config)
        graph.invoke(None, config)
    assert graph.get_state(config).values["subanswers"] == ["answer to ONE?", "answer to TWO?", "answer to THREE?"]


def test_a_cache_tells_agents_apart_and_remembers_no_graph(tmp_path: Any) -> None:
    with caching(tmp_path / "replies.db"):
        for number in ("4", "5", "5"):
            model = OneReplyChatModel(model=number, script=lambda messages, at, number=number: f"Answer: {number}")
            agent = create_agent(model, [], middleware=[Think(create_chain_of_thought)])
            assert agent.invoke({"messages": [("user", "x")]})["messages"][-1].text == number
        assert not model.prompts, "the third agent is the second one again"
        for number in ("6", "7"):
            inner = create_chain_of_thought(
                OneReplyChatModel(model=number, script=lambda messages, at, number=number: f"Answer: {number}")
            )
            outer = create_best_of_n(inner, lambda one: 1.0, samples=1)
            assert outer.invoke({"messages": [("user", "x")]})["answer"] == number


def test_a_remembered_reply_replaces_no_other_message(tmp_path: Any) -> None:
    graph = create_chain_of_thought(OneReplyChatModel(script=lambda messages, at: "Answer: 4"))
    parent: Any = StateGraph(MessagesState).add_node("begin", lambda state: {}).add_edge(START, "begin")
    parent.add_node("think", graph)
    parent.add_conditional_edges("begin", lambda state: [Send("think", state)] * 3, ["think"])
    with caching(tmp_path / "replies.db"):
        list(graph.stream({"messages": [("user", "x")]}, stream_mode="messages"))
        messages = parent.compile().invoke({"messages": [("user", "x")]})["messages"]
    assert [message.text for message in messages] == ["x", "4", "4", "4"]


def test_nothing_asked_is_nothing_answered() -> None:
    def body(state: State):
        replies = yield []
        return {"said": replies}

    assert run(body) == []


def test_tools_are_taken_off_fallbacks_too() -> None:
    bound = Echo().bind(tools=[{"name": "add"}])
    plain: Any = without_tools(bound.with_fallbacks([bound]))
    assert plain.runnable.kwargs == plain.fallbacks[0].kwargs == {}


def test_a_group_may_be_drawn_in_several_steps(tmp_path: Any) -> None:
    asked = Echo(asked=[])

    def body(state: State):
        first = yield ask(asked, "x", n=2, first=0)
        second = yield ask(asked, "x", n=1, first=2)
        return {"said": texts([*first, *second])}

    with caching(tmp_path / "replies.db"):
        assert run(body) == ["x"] * 3
    assert len(asked.asked) == 3, "the third sample is a reply of its own, and all are known under ainvoke"


def test_tools_are_taken_off_a_model_and_nothing_else() -> None:
    bound = Echo().bind(tools=[{"name": "add"}], tool_choice="auto").bind(temperature=0.3)
    assert without_tools(bound).kwargs == {"temperature": 0.3}  # type: ignore[attr-defined]
    assert bound.kwargs.keys() == {"tools", "tool_choice", "temperature"}  # type: ignore[attr-defined]
    assert without_tools(model := Echo()) is model


def test_a_slow_body_does_not_hold_up_the_event_loop() -> None:
    def body(state: State):
        time.sleep(0.5)
        [reply] = yield ask(Echo(), "x")
        time.sleep(0.5)
        return {"said": [reply.text]}

    async def beside() -> tuple[Any, float]:
        work, longest = asyncio.create_task(node(body).ainvoke({})), 0.0
        while not work.done():
            started = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - started)
        return work.result(), longest

    update, longest = asyncio.run(beside())
    assert update == {"said": ["x"]}
    assert longest < 0.4


def test_a_node_outside_a_graph_is_a_runnable() -> None:
    def body(state: State):
        [reply] = yield ask(Echo(), "x")
        return {"said": [reply.text]}

    assert node(body).invoke({}) == {"said": ["x"]}


def test_a_failed_step_can_be_caught_in_the_body() -> None:
    class Mute(Echo):
        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise RuntimeError("down")

    def body(state: State):
        try:
            yield ask(Mute(), "x")
        except RuntimeError:
            return {"said": ["caught"]}

    assert run(body) == ["caught"]


def test_a_cache_that_is_no_database(tmp_path: Any) -> None:
    (tmp_path / "replies.db").write_text("this is no database, whatever its name says" * 50)
    with pytest.raises(StoreError, match="cannot be opened"), caching(tmp_path / "replies.db"):
        pass


def test_a_model_by_its_string(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    assert chat_model("openai:gpt-4.1").model_name == "gpt-4.1"  # type: ignore[attr-defined]


def test_a_model_object_is_itself() -> None:
    model = Echo()
    assert chat_model(model) is model

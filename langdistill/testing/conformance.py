"""What every thinking graph must do, as tests that anyone can run against a graph of their own.

    from langdistill.testing.conformance import StrategyTests

    class TestMine(StrategyTests):
        def create(self, model, **knobs):
            return create_mine(model, **knobs)      # knobs: checkpointer

        def script(self, messages, number):         # what the model says; by default "Answer: 4" to everything
            return "Answer: 4"

`pytest` finds the inherited tests; `pytest.register_assert_rewrite("langdistill.testing.conformance")` in your `conftest.py` lets
it show what differed. Override the attributes where your graph differs, and `saver` to run on the checkpointer
that you use in production.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Send, interrupt

from langdistill.budgets import BudgetSpent, budget
from langdistill.errors import AnswerError, LangdistillError
from langdistill.testing.models import OneReplyChatModel, Script

Graph = CompiledStateGraph[Any, Any, Any, Any]
Invoke = Callable[[Graph, Any, RunnableConfig], Any]


def _now(graph: Graph, given: Any, config: RunnableConfig) -> Any:
    return graph.invoke(given, config)


def _later(graph: Graph, given: Any, config: RunnableConfig) -> Any:
    return asyncio.run(graph.ainvoke(given, config))


class StrategyTests:
    """Inherit, and say how the graph is made."""

    question = "What is 2 + 2?"
    answer: str | None = "4"
    """What the graph answers when the model says what `script` says."""
    text: str | None = None
    """The message of that answer; `None`: the answer itself."""
    calls_tools = True
    """Whether tools that are bound to the model are offered to the step that answers, or to none."""
    fans_out = False
    """Whether several requests are under way at a time, of which one may fail."""
    answers_early = False
    """Whether there is an answer before the last reply, so that a budget may cut the thinking short."""

    def create(self, model: Any, **knobs: Any) -> Graph:
        """The graph under test, asking `model`; `knobs` holds at most `checkpointer`."""
        raise NotImplementedError

    def script(self, messages: list[BaseMessage], number: int) -> str | AIMessage:
        """What the model replies."""
        return "I think.\nAnswer: 4"

    @contextmanager
    def saver(self) -> Generator[BaseCheckpointSaver[Any]]:
        """The checkpointer of the tests that resume under `invoke`."""
        yield InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))

    @asynccontextmanager
    async def asaver(self) -> AsyncGenerator[BaseCheckpointSaver[Any]]:
        """The checkpointer of the tests that resume under `ainvoke`."""
        with self.saver() as saver:
            yield saver

    # What the tests share

    def model(self, script: Script | None = None, delay: float = 0.0) -> OneReplyChatModel:
        """A model that follows the script, one reply to a request."""
        return OneReplyChatModel(script=script or self.script, delay=delay)

    @property
    def asked(self) -> dict[str, Any]:
        """A conversation that ends in the question."""
        return {"messages": [("system", "Be brief."), ("user", self.question)]}

    @property
    def said(self) -> str:
        """The message that ends the conversation."""
        return self.text if self.text is not None else str(self.answer)

    def completions(self) -> int:
        """How many replies a run takes."""
        model = self.model()
        self.create(model).invoke(self.asked)
        return len(model.prompts)

    def check(self, output: dict[str, Any]) -> None:
        """The output is the conversation, the answer, and nothing else."""
        assert set(output) == {"messages", "answer"}, "the schemas are {messages} in, {messages, answer} out"
        assert output["answer"] == self.answer
        assert [message.type for message in output["messages"]] == ["system", "human", "ai"]
        assert output["messages"][-1].text == self.said

    # One graph, however it is run

    def test_invoke_ainvoke_batch_and_stream_agree(self) -> None:
        graph = self.create(self.model())
        self.check(graph.invoke(self.asked))
        self.check(asyncio.run(graph.ainvoke(self.asked)))
        *_, last = graph.stream(self.asked, stream_mode="values")
        assert last["answer"] == self.answer
        assert last["messages"][-1].text == self.said
        for output in graph.batch([self.asked] * 4):
            self.check(output)

    def test_many_at_once(self) -> None:
        graph = self.create(self.model(delay=0.005))

        async def gathered() -> list[Any]:
            return await asyncio.gather(*(graph.ainvoke(self.asked) for _ in range(8)))

        for output in [*asyncio.run(gathered()), *graph.batch([self.asked] * 8)]:
            self.check(output)

    def test_nests_in_a_parent_that_shares_messages(self) -> None:
        parent = (
            StateGraph(MessagesState).add_node("think", self.create(self.model())).add_edge(START, "think").compile()
        )
        for output in (parent.invoke(self.asked), asyncio.run(parent.ainvoke(self.asked))):  # type: ignore[arg-type]
            assert [message.text for message in output["messages"]] == ["Be brief.", self.question, self.said]

    def test_nests_many_times_in_one_step_of_a_parent(self) -> None:
        parent: Any = StateGraph(MessagesState)
        parent.add_node("think", self.create(self.model()))
        parent.add_node("begin", lambda state: {}).add_edge(START, "begin")
        parent.add_conditional_edges("begin", lambda state: [Send("think", state)] * 10, ["think"])
        output = parent.compile(checkpointer=InMemorySaver()).invoke(self.asked, self.thread())
        assert [message.text for message in output["messages"]] == ["Be brief.", self.question] + [self.said] * 10

    def test_the_name_and_the_provenance_of_a_run(self) -> None:
        graph = self.create(self.model())
        events = self.events(graph)
        assert events[0]["name"] == graph.get_name()
        marks = {one["metadata"].get("strategy") for one in events if one["event"] == "on_chat_model_start"}
        assert marks == {graph.get_name()}, "every model call names the strategy in its metadata"

    # Streaming

    def test_the_thinking_stays_out_of_the_message_stream(self) -> None:
        graph = self.create(self.model())
        parts: Any = graph.stream(self.asked, stream_mode="messages")
        shown = [part[0] for part in parts]
        assert "".join(message.text for message in shown) == self.said
        assert len({message.id for message in shown if message.text}) == 1, "one message, told once"

    def test_the_thinking_is_shown_when_asked_for(self) -> None:
        graph = self.create(self.model())
        config: RunnableConfig = {"configurable": {"show_thinking": True}}
        parts: Any = graph.stream(self.asked, config, stream_mode="messages", subgraphs=True)
        shown = [part[0] for _, part in parts]
        ids = {message.id for message in shown if message.text}
        assert len(ids) >= self.completions()

    def test_steps_are_told_as_custom_events(self) -> None:
        graph = self.create(self.model())
        events = self.steps(graph)
        assert sum(len(event["replies"]) for event in events) == self.completions()
        assert all({"strategy", "step", "replies", "of_graph"} == set(event) for event in events)

    # Faults

    @pytest.mark.parametrize("run", [_now, _later])
    def test_an_interrupted_run_pays_for_nothing_twice(self, run: Invoke) -> None:
        needed = self.completions()
        for at in range(needed):
            model = self.model(self.interrupting(at))
            self.check(self.resumed(model, run))
            assert len(model.prompts) == needed + 1, "only the reply that was interrupted is asked for again"

    def test_a_cancelled_run_leaves_nothing_behind(self) -> None:
        model = self.model(delay=0.2)
        graph = self.create(model)

        async def cancel() -> int:
            run = asyncio.create_task(graph.ainvoke(self.asked))
            await asyncio.sleep(0.05)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            await asyncio.sleep(0.3)
            return len(left)

        assert asyncio.run(cancel()) == 0
        assert not model.prompts, "no request was finished after the cancellation"
        self.check(graph.invoke(self.asked))

    def test_a_failed_request_is_kept_apart_or_told(self) -> None:
        failing = self.model(self.failing(self.largest_step() + 1 if self.fans_out else 0))
        graph = self.create(failing)
        if self.fans_out:
            assert graph.invoke(self.asked, {"max_concurrency": 1})["answer"] == self.answer
        else:
            with pytest.raises(ConnectionError, match="one reply was lost"):
                graph.invoke(self.asked)

    def test_an_outage_is_the_models_own_error(self) -> None:
        def down(messages: list[BaseMessage], number: int) -> str:
            raise ConnectionError("the server is down")

        graph = self.create(self.model(down))
        with pytest.raises(ConnectionError, match="the server is down"):
            graph.invoke(self.asked)
        with pytest.raises(ConnectionError, match="the server is down"):
            asyncio.run(graph.ainvoke(self.asked))

    @pytest.mark.parametrize("run", [_now, _later])
    def test_a_budget_holds_and_is_said(self, run: Invoke) -> None:
        needed, early = self.completions(), 0
        for cap in range(needed):
            model = self.model()
            with budget(completions=cap) as spent:
                try:
                    output = run(self.create(model), self.asked, {})
                except BudgetSpent as told:
                    assert f"completions {cap} of {cap}" in str(told)
                    output = None
            if output is not None:
                early += 1
                assert output["stopped"] == f"completions {cap} of {cap}"
                assert output["messages"][-1].response_metadata["stopped"] == output["stopped"]
            assert len(model.prompts) <= cap
            assert spent.completions == len(model.prompts)
        assert bool(early) is self.answers_early
        with budget(completions=needed):
            self.check(run(self.create(self.model()), self.asked, {}))

    def test_the_ledger_names_strategy_and_model(self) -> None:
        graph = self.create(self.model())
        with budget() as spent:
            graph.invoke(self.asked)
        assert {row["strategy"] for row in spent.ledger()} == {graph.get_name()}
        assert sum(row["completions"] for row in spent.ledger()) == self.completions()
        assert all(row["tokens"] > 0 and row["input_tokens"] > 0 for row in spent.ledger())

    def test_a_deadline_holds(self) -> None:
        graph = self.create(self.model(delay=0.05))
        started = time.monotonic()
        try:
            with budget(seconds=0.01):
                output = graph.invoke(self.asked)
        except BudgetSpent as told:
            assert "seconds" in str(told)
        else:
            # What has begun is finished: a graph of one step may have begun all of it in time, or only some.
            all_begun = len(self.steps(graph)) == 1 and "stopped" not in output
            assert all_begun or "seconds" in output["stopped"]
        assert time.monotonic() - started < 10

    # Input

    @pytest.mark.parametrize("messages", [[], [("ai", "hello")], [("user", "  ")], [("user", "hi"), ("ai", "hello")]])
    def test_a_conversation_without_a_question(self, messages: list[Any]) -> None:
        with pytest.raises(AnswerError, match="user"):
            self.create(self.model()).invoke({"messages": messages})

    def test_template_characters_in_a_question_are_harmless(self) -> None:
        model = self.model()
        strange = "{question} {x} %s ${HOME} {{ a }} \\1 {% raw %}"
        self.create(model).invoke({"messages": [("user", f"{self.question} {strange}")]})
        assert any(strange in message.text for prompt in model.prompts for message in prompt), (
            "it reaches the model as it is"
        )

    def test_the_conversation_before_and_tool_results_after_the_question_are_kept(self) -> None:
        model = self.model()
        calls = [{"name": "add", "args": {"a": 2, "b": 2}, "id": "c1"}]
        before: list[Any] = [("system", "Be brief."), ("user", "hi"), ("ai", "hello")]
        after: list[Any] = [AIMessage("", tool_calls=calls), ToolMessage("4", tool_call_id="c1")]
        self.create(model).invoke({"messages": [*before, ("user", self.question), *after]})
        for prompt in model.prompts:
            assert [message.text for message in prompt[:3]] == ["Be brief.", "hi", "hello"]
            assert [message.type for message in prompt[3:]] == ["human", "ai", "tool"]

    def test_an_empty_reply_is_no_answer(self) -> None:
        graph = self.create(self.model(lambda messages, number: ""))
        try:
            output = graph.invoke(self.asked)
        except LangdistillError as told:
            assert "empty" in str(told)
        else:
            assert output["answer"] is None

    def test_a_model_with_tools_bound(self) -> None:
        @tool
        def add(a: int, b: int) -> int:
            """Add."""
            return a + b

        model = self.model()
        self.check(self.create(model.bind_tools([add])).invoke(self.asked))

    def test_a_reply_that_calls_a_tool_goes_out_as_it_is(self) -> None:
        @tool
        def add(a: int, b: int) -> int:
            """Add."""
            return a + b

        def calling(messages: list[BaseMessage], number: int) -> AIMessage:
            return AIMessage("", tool_calls=[{"name": "add", "args": {"a": 2, "b": 2}, "id": f"call-{number}"}])

        model = OneReplyChatModel(script=self.script, with_tools=calling).bind_tools([add])
        output = self.create(model).invoke(self.asked)
        if not self.calls_tools:
            return self.check(output)
        [call] = output["messages"][-1].tool_calls
        assert (call["name"], call["args"]) == ("add", {"a": 2, "b": 2})
        assert output["answer"] is None
        return None

    # Parts of the above

    def thread(self) -> RunnableConfig:
        """A fresh thread."""
        return {"configurable": {"thread_id": f"{type(self).__name__}-{time.monotonic_ns()}"}}

    def resumed(self, model: OneReplyChatModel, run: Invoke) -> Any:
        """The output of a run that was interrupted once."""
        config = self.thread()

        def now() -> Any:
            with self.saver() as saver:
                paused = self.create(model, checkpointer=saver).invoke(self.asked, config)
                assert "__interrupt__" in paused
                return self.create(model, checkpointer=saver).invoke(Command(resume="go on"), config)

        async def later() -> Any:
            async with self.asaver() as saver:
                paused = await self.create(model, checkpointer=saver).ainvoke(self.asked, config)
                assert "__interrupt__" in paused
                return await self.create(model, checkpointer=saver).ainvoke(Command(resume="go on"), config)

        return now() if run is _now else asyncio.run(later())

    def interrupting(self, at: int) -> Script:
        """The script, interrupted by a human at one reply."""
        paused: list[int] = []

        def script(messages: list[BaseMessage], number: int) -> str | AIMessage:
            if number == at and not paused:
                paused.append(number)
                interrupt("may I go on?")
            return self.script(messages, number)

        return script

    def failing(self, number: int) -> Script:
        """The script, with an error instead of one reply."""

        def script(messages: list[BaseMessage], at: int) -> str | AIMessage:
            if at == number:
                raise ConnectionError("one reply was lost")
            return self.script(messages, at)

        return script

    def largest_step(self) -> int:
        """Number of the first reply of the step that asks most."""
        told = [len(event["replies"]) for event in self.steps(self.create(self.model()))]
        return sum(told[: told.index(max(told))])

    def steps(self, graph: Graph) -> list[Any]:
        """What the graph and those inside it tell of their steps, without a graph's concluded samples."""
        parts: Any = graph.stream(self.asked, stream_mode="custom", subgraphs=True)
        return [event for _, event in parts if not event["of_graph"]]

    def events(self, graph: Graph) -> list[Any]:
        """LangChain's own events of a run."""

        async def collect() -> list[Any]:
            return [event async for event in graph.astream_events(self.asked, version="v2")]

        return asyncio.run(collect())

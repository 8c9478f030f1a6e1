from __future__ import annotations

from typing import Any, TypedDict

from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough
from langgraph.graph import START, MessagesState, StateGraph

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, add, asking, line
from tests.recording.scenarios.models import Says, asks

PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "{question}")])


class Library(BaseRetriever):
    """Knows one thing."""

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        if query == "nothing":
            raise LookupError(query)
        return [Document("Paris is big.", metadata={"page": 1})]


def test_a_chain_of_prompt_model_and_parser(recording: Recording) -> None:
    recording.run(PROMPT | Says("4") | StrOutputParser(), {"question": "2+2?"})
    recording.assert_tells("""
        RunnableSequence
          in user: 2+2?
          call c0
            < system: Be brief.
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_a_chain_that_is_streamed_tells_its_input_at_its_end(recording: Recording) -> None:
    recording.stream(PROMPT | Says("2 and 2") | StrOutputParser(), {"question": "2+2?"})
    recording.assert_tells("""
        RunnableSequence
          in user: 2+2?
          call c0 streamed
            < system: Be brief.
            < user: 2+2?
            > assistant: 2 and 2 finish_reason='stop'
          out assistant: 2 and 2
    """)


def test_several_variables_are_told_as_json(recording: Recording) -> None:
    prompt = ChatPromptTemplate.from_messages([("user", "{a}+{b}?")])
    recording.run(prompt | Says("4") | (lambda said: {"sum": 4, "text": said.text}), {"a": 2, "b": 2})
    recording.assert_tells("""
        RunnableSequence
          in user: {"a":2,"b":2}
          call c0
            < user: 2+2?
            > assistant: 4
          out assistant: {"sum":4,"text":"4"}
    """)


def test_a_prompt_as_the_input_of_a_chain(recording: Recording) -> None:
    recording.run(Says("4") | RunnablePassthrough(), PROMPT.invoke({"question": "2+2?"}))
    recording.assert_tells("""
        RunnableSequence
          in system: Be brief.
          in user: 2+2?
          call c0
            < system: Be brief.
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_chains_in_parallel(recording: Recording) -> None:
    recording.run(RunnableParallel(one=Says("1", delay=0.05), two=Says("2", delay=0.05) | StrOutputParser()), "count")
    recording.assert_tells("""
        RunnableParallel<one,two>
          in user: count
          call c0
            < user: count
            > assistant: 1
          call c1
            < user: count
            > assistant: 2
          out assistant: {"one":{"role":"assistant","content":"1"},"two":"2"}
    """)


def test_a_bare_tool(recording: Recording) -> None:
    recording.run(add, {"a": 2, "b": 2})
    recording.assert_tells("""
        add
          tool t0 add {'a': 2, 'b': 2} -> 4
    """)


def test_a_bare_tool_that_is_called_as_a_model_would(recording: Recording) -> None:
    recording.run(add, asks("add", "t", a=2, b=2).tool_calls[0])
    recording.assert_tells("""
        add
          tool t0 add {'a': 2, 'b': 2} tool_call_id='t' -> tool: 4 name='add' tool_call_id='t'
          out tool: 4 name='add' tool_call_id='t'
    """)


def test_a_bare_retriever(recording: Recording) -> None:
    recording.run(Library(), "Paris")
    recording.assert_tells("""
        Library
          tool t0 Library {'query': 'Paris'} -> [{'page_content': 'Paris is big.', 'metadata': {'page': 1}}]
    """)


def test_a_retriever_that_fails_in_a_chain(recording: Recording) -> None:
    recording.fail(LookupError, RunnableLambda(lambda given: given) | Library(), "nothing")
    recording.assert_tells("""
        RunnableSequence outcome='failed' error="LookupError('nothing')"
          in user: nothing
          tool t0 Library {'query': 'nothing'} error="LookupError('nothing')" -> None
    """)


def test_a_plain_graph(recording: Recording) -> None:
    recording.run(line(think=asking(Says("4"))).compile(name="sums"), ASKED)
    recording.assert_tells("""
        sums
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


def test_messages_as_dicts_and_pairs(recording: Recording) -> None:
    given = [{"role": "system", "content": "Be brief."}, ("user", "1+1?"), {"type": "ai", "content": "2"}, "2+2?"]
    recording.run(line(think=asking(Says("4"))).compile(), {"messages": given})
    recording.assert_tells("""
        LangGraph
          in system: Be brief.
          in user: 1+1?
          in assistant: 2
          in user: 2+2?
          step think
            call c0
              < system: Be brief.
              < user: 1+1?
              < assistant: 2
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


class Thought(MessagesState):
    answer: str


def test_the_answer_of_a_graph_whose_message_is_blocks(recording: Recording) -> None:
    def think(state: Thought) -> Any:
        return {"messages": [AIMessage([{"type": "text", "text": "So it is 4."}])], "answer": "4"}

    graph = StateGraph(Thought).add_node("think", think).add_edge(START, "think").compile()
    recording.run(graph, ASKED)
    recording.assert_tells("""
        LangGraph answer='4'
          in user: 2+2?
          step think
          out assistant: So it is 4.
    """)


class Asked(TypedDict, total=False):
    question: str
    documents: list[Document]
    answer: str


def test_a_graph_without_messages_that_answers_a_question(recording: Recording) -> None:
    def search(state: Asked) -> Any:
        return {"documents": Library().invoke(state["question"]), "answer": "Paris"}

    graph = StateGraph(Asked).add_node("search", search).add_edge(START, "search").compile()
    recording.run(graph, {"question": "Which town is big?"})
    recording.assert_tells("""
        LangGraph answer='Paris'
          in user: Which town is big?
          step search
            tool t0 Library {'query': 'Which town is big?'} -> [{'page_content': 'Paris is big.', 'metadata': {'page': 1}}]
          out assistant: Paris
    """)


class Joke(TypedDict, total=False):
    topic: str
    language: str
    joke: str


def test_a_graph_of_another_state(recording: Recording) -> None:
    graph = StateGraph(Joke).add_node("tell", lambda state: {"joke": "ha"}).add_edge(START, "tell").compile()
    recording.run(graph, {"topic": "cats", "language": "en"})
    recording.assert_tells("""
        LangGraph
          in user: {"topic":"cats","language":"en"}
          step tell
          out assistant: {"topic":"cats","language":"en","joke":"ha"}
    """)

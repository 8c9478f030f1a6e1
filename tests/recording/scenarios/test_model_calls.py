from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from langdistill import __version__
from langdistill.records import TRACE_VERSION
from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, add, line, saying
from tests.recording.scenarios.models import Says, asks


def test_a_bare_model_is_a_root(recording: Recording) -> None:
    recording.run(Says("4"), [SystemMessage("Be brief."), HumanMessage("2+2?")])
    recording.assert_tells("""
        Says
          in system: Be brief.
          in user: 2+2?
          call c0
            < system: Be brief.
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_all_n_replies_are_kept(recording: Recording) -> None:
    recording.run(Says(["4", "5", "4"]), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: 4
            > assistant: 5
            > assistant: 4
          out assistant: 4
    """)


def test_tools_that_are_offered_and_not_called(recording: Recording) -> None:
    recording.run(Says("4").bind_tools([add]), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0 offered=['add']
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)
    [offered] = recording.trace.calls[0].tools
    assert offered["function"]["description"] == "Add."
    assert list(offered["function"]["parameters"]["properties"]) == ["a", "b"]


def test_the_sampling_parameters_that_were_set(recording: Recording) -> None:
    recording.run(Says("4").bind(temperature=0.5, top_p=0.9, seed=3, stop=["x"], top_k=None, verbose=True), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0 params={'stop': ['x'], 'temperature': 0.5, 'top_p': 0.9, 'seed': 3}
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_usage_finish_reason_and_logprobs(recording: Recording) -> None:
    token = {"token": "4", "logprob": -0.1, "bytes": [52], "top_logprobs": []}
    reply = AIMessage(
        "4",
        response_metadata={"finish_reason": "length", "logprobs": {"content": [token]}},
        usage_metadata={
            "input_tokens": 5, "output_tokens": 3, "total_tokens": 8,
            "input_token_details": {"cache_read": 2}, "output_token_details": {"reasoning": 1},
        },
    )  # fmt: skip
    recording.run(Says(reply), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0 usage={'input_tokens': 5, 'output_tokens': 3, 'cached_tokens': 2, 'reasoning_tokens': 1}
            < user: 2+2?
            > assistant: 4 finish_reason='length' logprobs=[{'token': '4', 'logprob': -0.1, 'bytes': [52], 'top_logprobs': []}]
          out assistant: 4
    """)


class Answer(BaseModel):
    """An answer."""

    value: int


def test_structured_output(recording: Recording) -> None:
    recording.run(Says(asks("Answer", "t", value=4)).with_structured_output(Answer), "2+2?")
    recording.assert_tells("""
        RunnableSequence
          in user: 2+2?
          call c0 params={'tool_choice': 'any'} offered=['Answer']
            < user: 2+2?
            > assistant: '' Answer({"value":4})#t
          out assistant: {"value":4}
    """)


def test_an_answer_from_the_cache_is_marked(recording: Recording) -> None:
    usage: Any = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    model = Says(AIMessage("4", usage_metadata=usage), cache=InMemoryCache())
    recording.run(model, "2+2?")
    recording.run(model, "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0 usage={'input_tokens': 1, 'output_tokens': 1}
            < user: 2+2?
            > assistant: 4
          out assistant: 4
        Says
          in user: 2+2?
          call c0 cached=True usage={'input_tokens': 1, 'output_tokens': 1}
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_a_model_of_texts(recording: Recording) -> None:
    recording.run(FakeListLLM(responses=["4"]), "2+2?")
    recording.assert_tells("""
        FakeListLLM
          in user: 2+2?
          call c0 model='FakeListLLM' provider='fakelist'
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_a_model_that_fails(recording: Recording) -> None:
    recording.fail(RuntimeError, Says(RuntimeError("down")), "2+2?")
    recording.assert_tells("""
        Says outcome='failed' error="RuntimeError('down')"
          in user: 2+2?
          call c0 error="RuntimeError('down')"
            < user: 2+2?
    """)


def test_what_a_server_answers_to_a_bad_request(recording: Recording) -> None:
    request = httpx.Request("POST", "http://localhost")
    answer = httpx.Response(400, json={"error": "the prompt is too long"}, request=request)
    error = httpx.HTTPStatusError("Bad Request", request=request, response=answer)
    recording.fail(httpx.HTTPStatusError, Says(error), "2+2?")
    recording.assert_tells("""
        Says outcome='failed' error="HTTPStatusError('Bad Request')"
          in user: 2+2?
          call c0 error="HTTPStatusError('Bad Request'): 400 {'error': 'the prompt is too long'}"
            < user: 2+2?
    """)


def test_a_batch_is_a_root_for_each(recording: Recording) -> None:
    model, config = (
        Says(lambda prompt: prompt[-1].text.upper()),
        {"callbacks": [recording.recorder], "max_concurrency": 1},
    )
    if recording.later:
        asyncio.run(model.abatch(["a", "b"], config))
    else:
        model.batch(["a", "b"], config)
    recording.assert_tells("""
        Says
          in user: a
          call c0
            < user: a
            > assistant: A
          out assistant: A
        Says
          in user: b
          call c0
            < user: b
            > assistant: B
          out assistant: B
    """)


def test_what_the_config_tells_of_a_run(recording: Recording) -> None:
    metadata = {
        "user_id": "u1",
        "consent": "training",
        "licence": "cc-by-4.0",
        "problem": "p1",
        "perturbation": "noise",
    }
    graph = line(think=saying("4")).compile()
    recording.run(graph, ASKED, thread="t", tags=["mine"], metadata=metadata, run_name="sums")
    recording.assert_tells("""
        sums thread='t' user='u1' tags=['mine'] metadata={'user_id': 'u1', 'consent': 'training', 'licence': 'cc-by-4.0', 'problem': 'p1', 'perturbation': 'noise'} consent='training' licence='cc-by-4.0'
          in user: 2+2?
          step think
          out assistant: 4
    """)
    assert (recording.trace.problem, recording.trace.perturbation) == ("p1", "noise")


def test_the_id_is_the_one_that_the_config_gives(recording: Recording) -> None:
    run = uuid4()
    recording.run(Says("4"), "2+2?", run_id=run)
    assert recording.trace.id == str(run)


def test_a_run_without_an_id_gets_one_and_knows_its_versions(recording: Recording) -> None:
    recording.run(Says("4"), "2+2?")
    trace = recording.trace
    assert len(trace.id) == 36
    assert trace.version == TRACE_VERSION
    assert trace.versions["langdistill"] == __version__
    assert {"langchain-core", "langgraph", "langchain"} < set(trace.versions)

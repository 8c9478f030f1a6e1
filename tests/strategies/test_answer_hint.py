"""What a teacher that knows the answer is told, and what is noted of it."""

from __future__ import annotations

from typing import Any

import pytest

from langdistill.errors import ModelError, PromptError
from langdistill.recording.recorder import TraceRecorder
from langdistill.strategies.answer_hint import Demonstration, create_answer_hint
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel

GOLD = {"What is 2 + 2?": "4", "Is it hot?": "yes"}
SHOWN = [Demonstration("What is 1 + 1?", "One and one.", "2")]


def ask(graph: Any, question: str, **config: Any) -> Any:
    return graph.invoke({"messages": [("user", question)]}, config)


def test_the_prompt_holds_question_and_hint_and_the_trace_the_words_of_the_hint() -> None:
    model, store = ScriptedChatModel(script=lambda m, at: f"so\nAnswer: {4 + at}"), MemoryStore()
    with TraceRecorder(store) as recorder:
        graph = create_answer_hint(model, answer_of=GOLD.get, samples=3)
        answer = ask(graph, "What is 2 + 2?", callbacks=[recorder])["answer"]
        recorder.flush()
    [trace] = store.traces()
    assert answer == "4"
    assert [call.hint for call in trace.calls] == ["(Known beforehand: the answer is 4.)"]
    assert [call.candidate for call in trace.calls] == [True]
    assert model.prompts[0][0].text.startswith("What is 2 + 2?\n(Known beforehand: the answer is 4.)\n")
    assert [one["content"] for one in trace.input] == ["What is 2 + 2?"]
    assert "answer_hint" not in trace.metadata


def test_requests_of_one_reply_are_marked_each() -> None:
    model, store = OneReplyChatModel(script=lambda m, at: "so\nAnswer: 4"), MemoryStore()
    with TraceRecorder(store) as recorder:
        ask(create_answer_hint(model, answer_of=GOLD.get, samples=3), "What is 2 + 2?", callbacks=[recorder])
        recorder.flush()
    [trace] = store.traces()
    assert [call.hint for call in trace.calls] == ["(Known beforehand: the answer is 4.)"] * 3


def test_the_first_sample_that_arrives_concludes() -> None:
    said = ["so\nAnswer: 5", "so\nAnswer: 4", "or\nAnswer: 4.0"]
    graph = create_answer_hint(ScriptedChatModel(script=lambda m, at: said[at]), answer_of=GOLD.get, samples=3)
    assert ask(graph, "What is 2 + 2?")["answer"] == "4"


def test_a_question_without_gold_is_asked_without_a_hint() -> None:
    model, store = ScriptedChatModel(script=lambda m, at: "so\nAnswer: 9"), MemoryStore()
    with TraceRecorder(store) as recorder:
        ask(create_answer_hint(model, answer_of=GOLD.get), "What is 4 + 5?", callbacks=[recorder])
        recorder.flush()
    [trace] = store.traces()
    assert [call.hint for call in trace.calls] == [None]
    assert "beforehand" not in model.prompts[0][0].text


@pytest.mark.parametrize(("question", "first"), [("What is 2 + 2?", False), ("Is it hot?", True)])
def test_a_demonstration_states_its_answer_first_except_in_arithmetic(question: str, first: bool) -> None:
    model = ScriptedChatModel(script=lambda m, at: "Answer: 4")
    ask(create_answer_hint(model, answer_of=GOLD.get, demonstrations=SHOWN), question)
    text = model.prompts[0][0].text
    assert ("the answer is 2." in text) is first
    assert text.index("What is 1 + 1?") < text.index("One and one.\nAnswer: 2\n\n") < text.index(question)


def test_label_first_may_be_asked_for() -> None:
    model = ScriptedChatModel(script=lambda m, at: "Answer: 4")
    graph = create_answer_hint(model, answer_of=GOLD.get, demonstrations=SHOWN, label_first=lambda gold: True)
    ask(graph, "What is 2 + 2?")
    assert "the answer is 2." in model.prompts[0][0].text


def test_wrong_settings_fail_when_the_graph_is_made() -> None:
    model = ScriptedChatModel(script=lambda m, at: "")
    with pytest.raises(PromptError, match="hint"):
        create_answer_hint(model, answer_of=GOLD.get, prompt="{question}")
    with pytest.raises(PromptError, match="answer"):
        create_answer_hint(model, answer_of=GOLD.get, hint="it is known")
    with pytest.raises(ModelError, match="n=0"):
        create_answer_hint(model, answer_of=GOLD.get, samples=0)

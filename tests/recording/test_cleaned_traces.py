"""Nothing that is to be hidden reaches the disk, wherever in a run it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool

from langdistill import TraceRecorder
from langdistill.recording.privacy.personal_data import personal_data
from langdistill.recording.privacy.pseudonyms import name_instead
from langdistill.recording.privacy.redaction import Found, pattern
from langdistill.recording.privacy.secrets import secrets
from langdistill.records import Trace
from langdistill.stores.protocol import Where
from langdistill.testing.models import OneReplyChatModel

KEY = "sk-" + "proj-" + "Ab3dE6gH" * 6
MAIL = "ada.lovelace@analytical.org"


@tool
def look_up(person: str) -> str:
    """Look a person up."""
    if "fail" in person:
        raise ValueError(f"{MAIL} with {KEY} is not known")
    return f"found {MAIL.upper()} with {KEY}"


def agent(failing: bool = False) -> Any:
    def script(messages: Any, at: int) -> Any:
        if messages[-1].type == "tool":
            return f"{MAIL} has the key {KEY}"
        arguments = {"person": f"{'fail ' * failing}{MAIL} {KEY}"}
        return AIMessage(f"I ask for {MAIL}, {KEY}", tool_calls=[{"name": "look_up", "args": arguments, "id": "c1"}])

    return create_agent(OneReplyChatModel(script=script), [look_up], system_prompt=f"Report to {MAIL} with {KEY}.")


CONFIG: Any = {
    "metadata": {"note": f"{MAIL} {KEY}", "user_id": MAIL, "deep": {"list": [f"key {KEY}"]}},
    "tags": [f"tag {MAIL} {KEY}"],
    "configurable": {"thread_id": MAIL},
}


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def recorded(folder: Path, redactors: Any, *, failing: bool = False) -> tuple[Trace, bytes]:
    """The trace, and everything that was on the disk: before it was delivered, and after."""
    recorder = TraceRecorder(folder / "t.db", redact=redactors)
    try:
        agent(failing).invoke({"messages": [("user", f"{MAIL} says {KEY}")]}, {**CONFIG, "callbacks": [recorder]})
    except ValueError:
        assert failing
    held = written(folder)
    recorder.flush()
    [trace] = recorder.store.traces()
    recorder.feedback(trace.id, score=0, comment=f"{MAIL} wants {KEY} back")
    recorder.flush()
    [trace] = recorder.store.traces()
    assert recorder.lost == 0
    recorder.close()
    return trace, held + trace.model_dump_json().encode() + written(folder)


@pytest.mark.parametrize("failing", [False, True], ids=["ends", "fails"])
def test_secrets_are_hidden_by_default(tmp_path: Path, failing: bool) -> None:
    trace, held = recorded(tmp_path, None, failing=failing)
    assert KEY.encode() not in held
    assert MAIL.encode() in held, "personal data is hidden on request"
    assert "<API_KEY_1>" in str(trace.input)
    assert trace.user == MAIL


@pytest.mark.parametrize("failing", [False, True], ids=["ends", "fails"])
def test_personal_data_is_hidden_in_every_place(tmp_path: Path, failing: bool) -> None:
    trace, held = recorded(tmp_path, [secrets(), personal_data()], failing=failing)
    for hidden in (KEY, MAIL, MAIL.upper()):
        assert hidden.encode() not in held
    assert "<EMAIL_1>" in str(trace.calls[0].prompt[0]["content"])
    assert trace.tool_runs[0].arguments == {"person": f"{'fail ' * failing}<EMAIL_1> <API_KEY_1>"}, "the same stand-ins"
    assert trace.metadata["deep"] == {"list": ["key <API_KEY_1>"]}
    assert "<EMAIL_1>" in str(trace.feedback[0].comment)
    assert "EMAIL_2" not in held.decode("utf-8", "replace")
    if failing:
        assert "<EMAIL_1> with <API_KEY_1> is not known" in str(trace.error)
        assert "<EMAIL_1>" in str(trace.tool_runs[0].error)
        assert "<EMAIL_1>" in str(trace.steps[-1].error)


def test_a_user_whose_id_is_hidden_can_still_be_found(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db", redact=[personal_data()])
    for user in (MAIL, "other@example.org", "u17"):
        OneReplyChatModel(script=lambda messages, at: "yes").invoke(
            "q", {"callbacks": [recorder], "metadata": {"user_id": user}}
        )
    recorder.flush()
    assert [trace.user for trace in recorder.store.traces()] == [
        name_instead(MAIL),
        name_instead("other@example.org"),
        "u17",
    ]
    assert len(list(recorder.store.traces(Where(user=name_instead(MAIL))))) == 1
    recorder.close()


def test_a_function_of_your_own(tmp_path: Path) -> None:
    def lovelace(text: str) -> list[Found]:
        at = text.find("lovelace")
        return [Found(at, at + 8, "FAMILY")] if at >= 0 else []

    trace, held = recorded(tmp_path, [lovelace, pattern("KEY", r"sk-proj-\w+")])
    assert b"lovelace" not in held
    assert b"Ab3dE6gH" not in held
    assert "ada.<FAMILY_1>@analytical.org" in str(trace.input[0]["content"])


def test_a_redactor_that_fails_lets_nothing_through(tmp_path: Path) -> None:
    def broken(text: str) -> list[Found]:
        raise RuntimeError("no model")

    trace, held = recorded(tmp_path, [broken])
    assert KEY.encode() not in held
    assert MAIL.encode() not in held
    assert trace.input[0]["content"] == "<UNREADABLE>"


def test_nothing_is_hidden_where_that_is_wanted(tmp_path: Path) -> None:
    trace, _ = recorded(tmp_path, ())
    assert KEY in str(trace.input[0]["content"])


class Spelling(BaseChatModel):
    """Tells the chance of every letter."""

    def _generate(self, messages: Any, *_: Any, **__: Any) -> ChatResult:
        text = messages[-1].text
        content = [{"token": one, "logprob": -0.5, "bytes": [ord(one)], "top_logprobs": []} for one in text]
        info = {"logprobs": {"content": content}}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text), generation_info=info)])

    @property
    def _llm_type(self) -> str:
        return "spelling"


def test_tokens_do_not_spell_out_what_is_hidden(tmp_path: Path) -> None:
    with TraceRecorder(tmp_path / "t.db") as recorder:
        for text in (f"It is {KEY}.", "It is lost."):
            Spelling().invoke(text)
        assert recorder.flush()
        hidden, plain = (trace.calls[0].replies[0] for trace in recorder.store.traces())
    recorder.close()
    assert hidden.message["content"] == "It is <API_KEY_1>."
    assert hidden.logprobs == [{"logprob": -0.5}] * len(f"It is {KEY}.")
    assert plain.logprobs is not None
    assert "".join(one["token"] for one in plain.logprobs) == "It is lost."


def test_names_and_labels_are_cleaned_too(tmp_path: Path) -> None:
    config: Any = {"run_name": f"for {KEY}", "metadata": {"strategy": KEY, "consent": KEY, "licence": KEY}}
    recorder = TraceRecorder(tmp_path / "t.db")
    config["callbacks"] = [recorder]
    model = OneReplyChatModel(script=lambda messages, at: "yes")
    model.invoke("q", config)
    recorder.feedback("elsewhere", score=1, name=KEY)
    assert KEY.encode() not in written(tmp_path)
    assert recorder.flush()
    [trace] = recorder.store.traces()
    recorder.close()
    assert KEY not in trace.model_dump_json()
    assert (trace.name, trace.strategy, trace.consent) == ("for <API_KEY_1>", "<API_KEY_1>", "<API_KEY_1>")


def test_labels_that_are_no_texts_cost_no_trace(tmp_path: Path) -> None:
    labels: Any = {"consent": True, "licence": ["cc0"], "strategy": {"n": 3}}
    with TraceRecorder(tmp_path / "t.db", redact=()) as recorder:
        OneReplyChatModel(script=lambda messages, at: "yes").invoke("q", {"metadata": labels})
        assert recorder.flush()
        [trace] = recorder.store.traces()
    recorder.close()
    assert (trace.consent, trace.licence, trace.strategy) == ("True", "['cc0']", "{'n': 3}")
    assert recorder.lost == 0

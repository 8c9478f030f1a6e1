from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langdistill import answers
from langdistill.datasets.attempts import by_feedback
from langdistill.datasets.harvest import harvest
from langdistill.datasets.judging import liked
from langdistill.datasets.targets.final_answer import final_answer
from langdistill.datasets.targets.judgement import judgement
from langdistill.datasets.targets.preferred import preferred
from langdistill.datasets.targets.privileged import comments, privileged
from langdistill.datasets.targets.steps import lines, steps
from langdistill.datasets.targets.unpaired import unpaired
from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.datasets.targets.with_reasoning import WithReasoning, with_reasoning
from langdistill.errors import DatasetError, PromptError
from langdistill.groups import Group
from langdistill.records import Call, Feedback, Message, Reply, Trace
from langdistill.strategies.branch_solve_merge import create_branch_solve_merge
from langdistill.strategies.rephrase_and_respond import create_rephrase_and_respond
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.strategies.system2_attention import create_system2_attention
from langdistill.testing.models import ScriptedChatModel
from tests.datasets.targets.conftest import Recorded
from tests.recording.scenarios.models import Says, asks

CANARY = "zq-canary-5512"
ASKED: Message = {"role": "user", "content": "2+2?"}


def sampled(*texts: str, id: str = "r", **fields: Any) -> Trace:
    """A run that sampled these replies."""
    calls = [
        Call(
            id=f"{id}{at}",
            candidate=True,
            model="m",
            replies=[Reply(message={"role": "assistant", "content": text}, logprobs=[{"token": text}])],
        )
        for at, text in enumerate(texts)
    ]
    return Trace(**{"id": id, "input": [ASKED], "calls": calls} | fields)


def group(*traces: Trace, **fields: Any) -> Group:
    return Group("p", traces, **fields)


def reply(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def test_each_sample_with_its_reasoning(recorded: Recorded) -> None:
    said = ["Two and two.\nAnswer: 4", "<think>hm</think>Answer: 5", "I cannot\ntell", "Answer: 4"]
    recorded.run(create_self_consistency(Says(*said), samples=4), problem="p")
    rows = recorded.told(with_reasoning)
    found = {row["target"][0]["content"]: (row.get("reasoning"), row["answer"]) for row in rows}
    assert found == {said[0]: ("Two and two.", "4"), said[1]: ("hm", "5"), said[3]: (None, "4")}
    assert [row["messages"] for row in rows] == [[{"role": "user", "content": "2+2?"}]] * 3
    [first] = recorded.told(WithReasoning(most=1))
    assert first == rows[0]
    assert (with_reasoning.name, with_reasoning.params) == ("with_reasoning", {"most": None})
    with pytest.raises(DatasetError, match="most=0"):
        WithReasoning(most=0)


def test_reasoning_that_a_server_tells_apart(recorded: Recorded) -> None:
    thoughtful = AIMessage("Answer: 4", additional_kwargs={"reasoning_content": "2 and 2"})
    recorded.run(Says(thoughtful), [HumanMessage("2+2?")], problem="p")
    [row] = recorded.rows(with_reasoning).examples
    [trace] = recorded.traces
    assert row.target == [{"role": "assistant", "content": "Answer: 4", "reasoning_content": "2 and 2"}]
    assert (row.reasoning, row.answer, row.call, row.model) == ("2 and 2", "4", trace.calls[0].id, "says")
    assert row.privileged is None


def test_the_log_probabilities_come_with_the_whole_reply_alone() -> None:
    runs = group(sampled("so\nAnswer: 4"))
    [row] = with_reasoning(runs).examples
    assert (row.logprobs, row.call, row.model) == ([{"token": "so\nAnswer: 4"}], "r0", "m")
    [row] = privileged()(runs).examples
    assert (row.logprobs, row.privileged, row.target) == (None, "so", reply("4"))


def test_why_there_are_no_rows() -> None:
    assert with_reasoning(group(sampled("I\ndo not know"))).reason == "no-answer"
    assert with_reasoning(group(sampled("Answer: 4", input=[]))).reason == "no-question"
    other: Any = [{"role": "user", "content": "3+3?"}]
    mixed = group(sampled("Answer: 4"), sampled("Answer: 6", id="s", input=other))
    takes: list[Any] = [with_reasoning, preferred(), unpaired(), steps(_unsure), privileged(), judgement()]
    assert {take(mixed).reason for take in takes} == {"mixed-questions"}


def test_an_answer_that_is_the_text_itself_has_no_thinking_in_it(recorded: Recorded) -> None:
    def script(messages: Any, at: int) -> str:
        rewriting = f"Context: {CANARY}\nQuestion: What is the capital?"
        return rewriting if at == 0 else f"<think>\n{CANARY}\n</think>\n\nParis.\n\nIt lies on the Seine."

    recorded.run(create_system2_attention(ScriptedChatModel(script=script), extract=answers.free_text), "Capital?")
    [row] = recorded.told(final_answer, answers.free_text)
    assert row["target"] == reply("Paris.\n\nIt lies on the Seine.")
    assert CANARY not in str(row)
    [row] = recorded.told(privileged(), answers.free_text)
    assert (row["privileged"], row["answer"]) == (CANARY, "Paris.\n\nIt lies on the Seine.")


def test_thinking_of_an_answer_that_the_graph_gives_is_left_out() -> None:
    trace = Trace(id="r", input=[ASKED], output=reply("x"), answer=f"<think>{CANARY}</think>four")
    [row] = final_answer(group(trace)).examples
    assert (row.answer, CANARY in row.model_dump_json()) == ("four", False)


def test_thinking_in_the_text_of_earlier_turns_is_left_out() -> None:
    said: list[Message] = [ASKED, *reply(f"<think>{CANARY}</think>4"), {"role": "user", "content": "And <think> 3+3?"}]
    [row] = final_answer(group(sampled("Answer: 6", input=said))).examples
    assert row.messages == [ASKED, *reply("4"), {"role": "user", "content": "And <think> 3+3?"}]


def test_thinking_in_the_blocks_of_earlier_turns_is_left_out() -> None:
    """Content that holds more than text stays a list of blocks when it is recorded."""
    blocks: Any = [
        {"type": "redacted_thinking", "data": CANARY},
        {"type": "thinking", "thinking": CANARY},
        {"type": "text", "text": f"<think>{CANARY}</think>4"},
        {"type": "image_url", "image_url": {"url": "data:,"}},
        "so",
    ]
    said: list[Message] = [ASKED, {"role": "assistant", "content": blocks}, {"role": "user", "content": "3+3?"}]
    for target in (final_answer, with_reasoning):
        [row] = target(group(sampled("Answer: 6", input=said))).examples
        kept: Any = row.messages[1]["content"]
        assert kept == [{"type": "text", "text": "4"}, {"type": "image_url", "image_url": {"url": "data:,"}}, "so"]
    last: Any = [{"role": "assistant", "content": blocks}]
    [row] = whole_agent(reasoning="strip")(group(Trace(id="r", input=[ASKED], output=last))).examples
    assert CANARY not in row.model_dump_json()


def test_a_pair_carries_the_terms_of_both_runs_whichever_ids_they_have() -> None:
    """Of several runs that say the same, the id does not decide whose terms the row has."""

    def run(id: str, said: str, licence: str) -> Trace:
        call = Call(id=f"c{id}", candidate=True, replies=[Reply(message={"role": "assistant", "content": said})])
        return Trace(id=id, input=[ASKED], calls=[call], licence=licence, consent="yes")

    told: list[tuple[str | None, str | None, str]] = []
    for ids in ("abcd", "dcba"):
        runs = [run(id, *said) for id, said in zip(ids, (("4", "x"), ("4", "y"), ("4", "z"), ("5", "w")), strict=True)]
        found = harvest(runs, extract=answers.free_text).target(preferred()).run()
        [row] = found.examples
        assert row.traces == sorted([row.trace, ids[3]])
        told.append((row.licence, row.consent, found.chain[-1]["hash"]))
    assert told[0] == told[1]
    assert (sorted(str(told[0][0]).split("; "))[0], told[0][1]) == ("w", "yes")


PAIR = "Request: r\nResponse A: {}\nResponse B: {}"


def judge(a: int, b: int) -> Any:
    """A judge that thinks in canaries; it gives these scores to what is good and what is bad."""

    def script(messages: Any, at: int) -> str:
        if "Criterion" not in messages[-1].text:
            return f"1. {CANARY}"
        first, second = (a, b) if messages[-1].text.index("good") < messages[-1].text.index("bad") else (b, a)
        return f"{CANARY}\nScores: A={first} B={second}"

    return create_branch_solve_merge(ScriptedChatModel(script=script))


def test_the_verdict_of_a_judge_in_both_orders(recorded: Recorded) -> None:
    recorded.run(judge(5, 1), PAIR.format("good", "bad"), problem="p")
    recorded.run(judge(5, 1), PAIR.format("bad", "good"), problem="p", perturbation="swapped")
    rows = recorded.told(judgement())
    assert sorted(rows, key=str) == [
        {"messages": [{"role": "user", "content": PAIR.format("bad", "good")}], "target": reply("B"), "answer": "B"},
        {"messages": [{"role": "user", "content": PAIR.format("good", "bad")}], "target": reply("A"), "answer": "A"},
    ]
    assert CANARY not in str(recorded.rows(judgement()))
    assert sorted(row["target"][0]["content"] for row in recorded.told(judgement(written="[[{verdict}]]"))) == [
        "[[A]]",
        "[[B]]",
    ]
    [one] = recorded.told(judgement(swapped="reworded"))
    assert one["answer"] == "A"


def test_a_verdict_that_changes_with_the_order() -> None:
    swap = {"swapped": (Trace(id="s", input=[{"role": "user", "content": "turned"}], answer="A"),)}
    both = group(Trace(id="r", input=[ASKED], answer="A"), variants=swap)
    assert judgement()(both).reason == "inconsistent"
    assert [row.answer for row in judgement(disagreement="tie")(both).examples] == ["tie", "tie"]


def test_why_a_judge_teaches_nothing() -> None:
    def judged(*said: str) -> Group:
        runs = (Trace(id=f"{at}", input=[ASKED], answer=one) for at, one in enumerate(said))
        return group(*runs)

    assert judgement()(judged("no idea")).reason == "no-verdict"
    assert judgement()(judged("A", "B")).reason == "tied"
    assert [row.answer for row in judgement()(judged("tie")).examples] == ["tie"]
    read = Group("p", (sampled("Both are fine, the second is better.\n[[B]]"),), extract=answers.verdict)
    assert [row.answer for row in judgement()(read).examples] == ["B"]
    with pytest.raises(DatasetError, match="'split'"):
        judgement(disagreement="split")  # type: ignore[arg-type]
    with pytest.raises(PromptError):
        judgement(written="A")


def test_what_most_samples_say_is_better_than_what_few_say() -> None:
    votes = group(
        sampled("x\nAnswer: 4", "y\nAnswer: 4", "z\nAnswer: 4", "w\nAnswer: 5", "v\nAnswer: 6", "none\nat all")
    )
    [row] = preferred()(votes).examples
    assert row.answer == "4"
    assert row.rejected in (reply("w\nAnswer: 5"), reply("v\nAnswer: 6"))
    assert (row.margin, row.good) == (pytest.approx(3 / 6 - 1 / 6), True)
    rows = preferred(most=5)(votes).examples
    assert [row.answer for row in rows] == ["4", "4"]
    assert {str(row.rejected) for row in rows} == {str(reply("w\nAnswer: 5")), str(reply("v\nAnswer: 6"))}
    assert preferred(min_margin=0.4)(votes).reason == "no-pair"


def test_a_tied_vote_prefers_nothing() -> None:
    assert preferred()(group(sampled("Answer: 4", "Answer: 5"))).reason == "unscored"
    assert preferred()(group(sampled("Answer: 4", "so\nAnswer: 4"))).reason == "no-pair"


def test_runs_that_users_liked_are_better_than_those_they_did_not(recorded: Recorded) -> None:
    from langchain.agents import create_agent

    from tests.recording.scenarios.graphs import add

    for text, score in (("4", 1.0), ("5", 0.0), ("3", None)):
        recorded.run(create_agent(Says(asks("add", a=2, b=2), text), [add], system_prompt="S"), problem="p")
        if score is not None:
            recorded.recorder.feedback(recorded.traces[-1].id, score=score)
    [row] = recorded.rows(preferred(by_feedback)).examples
    asking = {"id": "t0", "type": "function", "function": {"name": "add", "arguments": '{"a":2,"b":2}'}}
    before = [
        {"role": "assistant", "content": "", "tool_calls": [asking]},
        {"role": "tool", "content": "4", "name": "add", "tool_call_id": "t0"},
    ]
    assert row.messages == [{"role": "system", "content": "S"}, ASKED]
    assert (row.target, row.rejected, row.margin) == ([*before, *reply("4")], [*before, *reply("5")], 1.0)
    assert row.traces == sorted(trace.id for trace in recorded.traces[:2])
    assert [one["function"]["name"] for one in row.tools] == ["add"]
    judged = recorded.rows(unpaired(liked)).examples
    assert sorted((row.answer, row.good) for row in judged) == [("4", True), ("5", False)]


def test_runs_under_different_prompts_are_no_pair() -> None:
    def run(id: str, text: str, score: float, system: str) -> Trace:
        said = Call(
            id=id, prompt=[{"role": "system", "content": system}, ASKED], replies=[Reply(message=reply(text)[0])]
        )
        return Trace(id=id, input=[ASKED], output=reply(text), calls=[said], feedback=[Feedback(score=score)])

    assert preferred(by_feedback)(group(run("a", "4", 1, "S"), run("b", "5", 0, "S"))).reason == "found"
    assert preferred(by_feedback)(group(run("a", "4", 1, "S"), run("b", "5", 0, "T"))).reason == "no-pair"


def test_pairs_do_not_depend_on_the_order_of_runs() -> None:
    runs = [sampled(f"{at}\nAnswer: {answer}", id=f"r{at}") for at, answer in enumerate("4445566")]
    one, other = (preferred(most=3)(group(*some)).examples for some in (runs, runs[::-1]))
    assert [row.content for row in one] == [row.content for row in other]
    assert len(one) == 3


@pytest.mark.parametrize("settings", [{"min_margin": -1}, {"most": 0}])
def test_settings_that_give_no_pairs_are_refused(settings: Any) -> None:
    with pytest.raises(DatasetError, match="gives no pairs"):
        preferred(**settings)


def test_samples_that_the_vote_agrees_with_are_good() -> None:
    rows = unpaired()(group(sampled("a\nAnswer: 4", "b\nAnswer: 4.0", "c\nAnswer: 5", "none\nat all"))).examples
    assert sorted((str(row.answer), row.good) for row in rows) == [("4", True), ("4.0", True), ("5", False)]
    assert unpaired()(group(sampled("Answer: 4", "Answer: 5"))).reason == "unjudged"
    assert unpaired(liked)(group(sampled("Answer: 4"))).reason == "unjudged"


def _unsure(trace: Trace, told: list[str]) -> list[bool | None]:
    return [None] * len(told)


def test_an_attempt_in_labelled_steps() -> None:
    def label(trace: Trace, told: list[str]) -> list[bool | None]:
        return [None if "hm" in step else "wrong" not in step for step in told]

    runs = group(sampled("<think>hm\n\nthis</think>right\n\nwrong\n\nAnswer: 4"))
    [row] = steps(label)(runs).examples
    assert row.steps == [("hm", None), ("this", True), ("right", True), ("wrong", False), ("Answer: 4", True)]
    assert row.target == reply("<think>hm\n\nthis</think>right\n\nwrong\n\nAnswer: 4")
    [row] = steps(label, split=lines)(group(sampled("a\n\nb\nc"))).examples
    assert row.steps == [("a", True), ("b", True), ("c", True)]
    assert steps(_unsure)(runs).reason == "unlabelled"
    assert steps(label)(group(sampled(""))).reason == "no-steps"
    assert steps(label).params == {"label": "label", "split": "paragraphs"}
    with pytest.raises(DatasetError, match="gave 1 labels for 5 steps of the trace 'r'"):
        steps(lambda trace, told: [True])(runs)


def test_what_the_teacher_knew(recorded: Recorded) -> None:
    def script(messages: Any, at: int) -> str:
        return "What is two plus two?" if at == 0 else "Answer: 4"

    recorded.run(create_rephrase_and_respond(ScriptedChatModel(script=script)), problem="p")
    [row] = recorded.told(privileged())
    assert (row["privileged"], row["target"]) == ("What is two plus two?", reply("4"))
    assert recorded.rows(privileged(comments)).reason == "nothing-privileged"


def test_what_users_wrote_is_privileged() -> None:
    said = [Feedback(comment="second", at=2), Feedback(score=0, at=1.5), Feedback(comment="first", at=1)]
    [row] = privileged(comments, whole=True)(group(sampled("so\nAnswer: 4", feedback=said))).examples
    assert (row.privileged, row.target) == ("first\n\nsecond", reply("so\nAnswer: 4"))


def test_targets_pass_through_a_harvest(recorded: Recorded) -> None:
    for at in range(3):
        recorded.run(create_self_consistency(Says(f"{at}\nAnswer: 4"), samples=3), f"Q{at}", problem=f"p{at}")
    recorded.recorder.close()
    found = harvest(recorded.store).target(WithReasoning(most=2)).run()
    assert [row.answer for row in found.examples] == ["4"] * 6
    again = harvest(recorded.store).target(WithReasoning(most=1)).run()
    assert again.chain[0] == found.chain[0]
    assert again.chain[1] != found.chain[1]

from __future__ import annotations

import math
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langdistill import adaptive_consistency, create_self_consistency, early_stopping
from langdistill.confidence import p_true, sequence_probability, softmax, verbal
from langdistill.errors import ModelError, PromptError
from langdistill.testing.models import OneReplyChatModel


def test_the_vote_is_on_answers_not_on_texts(saying: Any, asked: Any) -> None:
    model = saying(["So.\nAnswer: 4", "Answer: 5", "Hm.\nAnswer: 4.0", "no\nanswer here at all"])
    assert asked(create_self_consistency(model, samples=4))["answer"] == "4"


def test_a_tie_goes_to_the_sample_drawn_first(saying: Any, asked: Any) -> None:
    model = saying(["Answer: 7", "Answer: 3", "Answer: 3", "Answer: 7"])
    assert asked(create_self_consistency(model, samples=4))["answer"] == "7"


def test_where_nobody_votes_the_first_reply_stands(saying: Any, asked: Any) -> None:
    output = asked(create_self_consistency(saying(["one\ntwo", "three\nfour"]), samples=2))
    assert (output["answer"], output["messages"][-1].text) == (None, "one\ntwo")


def test_an_empty_sample_is_no_vote(saying: Any, asked: Any) -> None:
    assert asked(create_self_consistency(saying(["", "", "Answer: 4"]), samples=3))["answer"] == "4"


@pytest.mark.parametrize("lost", range(8))
def test_an_error_on_one_sample_of_eight(saying: Any, asked: Any, lost: int) -> None:
    replies: list[Any] = ["Answer: 4"] * 8
    replies[lost] = ConnectionError("lost")
    model = saying(replies)
    assert asked(create_self_consistency(model, samples=8))["answer"] == "4"
    assert len(model.prompts) == 8


def test_adaptive_consistency_stops_as_soon_as_it_is_sure(saying: Any, asked: Any) -> None:
    unanimous = saying(["Answer: 4"] * 40)
    asked(create_self_consistency(unanimous, samples=40, stop=adaptive_consistency()))
    assert len(unanimous.prompts) == 4
    one_dissent = saying(["Answer: 5"] + ["Answer: 4"] * 39)
    assert asked(create_self_consistency(one_dissent, samples=40, stop=adaptive_consistency()))["answer"] == "4"
    assert len(one_dissent.prompts) == 7


def test_early_stopping_draws_whole_windows(saying: Any, asked: Any) -> None:
    model = saying(["Answer: 5"] + ["Answer: 4"] * 39)
    assert asked(create_self_consistency(model, samples=40, stop=early_stopping(window=5)))["answer"] == "4"
    assert len(model.prompts) == 10


def test_the_cap_ends_an_undecided_vote(saying: Any, asked: Any) -> None:
    model = saying([f"Answer: {number % 7}" for number in range(12)])
    asked(create_self_consistency(model, samples=12, stop=adaptive_consistency(batch=5)))
    assert len(model.prompts) == 12


def test_one_lost_batch_is_borne_and_an_outage_is_not(saying: Any, asked: Any) -> None:
    once = saying([ConnectionError("lost")] + ["Answer: 4"] * 9)
    assert asked(create_self_consistency(once, samples=10, stop=adaptive_consistency()))["answer"] == "4"
    down = saying(["Answer: 4"] + [ConnectionError("down")] * 9)
    with pytest.raises(ConnectionError, match="down"):
        asked(create_self_consistency(down, samples=10, stop=adaptive_consistency()))
    assert len(down.prompts) == 3


def sure(text: str, *shares: float) -> AIMessage:
    """A reply whose tokens have these probabilities."""
    content = [{"token": text, "logprob": math.log(share)} for share in shares]
    return AIMessage(text, response_metadata={"logprobs": {"content": content}})


def test_sure_votes_weigh_more(saying: Any, asked: Any) -> None:
    replies = [sure("Answer: 4", 0.9, 0.9), sure("Answer: 5", 0.1, 0.1), sure("Answer: 5", 0.1, 0.2)]
    from dataclasses import replace

    sharp = replace(sequence_probability, temperature=0.1)
    assert asked(create_self_consistency(saying(replies), samples=3, confidence=sharp))["answer"] == "4"
    assert asked(create_self_consistency(saying(replies), samples=3))["answer"] == "5"


def test_p_true_asks_once_for_every_sample(saying: Any, asked: Any) -> None:
    from dataclasses import replace

    model = saying(["Answer: 4", "Answer: 5", "Answer: 5", "True", "False", "False"])
    graph = create_self_consistency(model, samples=3, confidence=replace(p_true, temperature=0.2))
    assert asked(graph)["answer"] == "4"
    told = [prompt[-1].text for prompt in model.prompts[3:]]
    assert ["Answer: 4" in text for text in told] == [True, False, False]


def test_reading_confidences() -> None:
    top = [{"token": " True", "logprob": math.log(0.6)}, {"token": "False", "logprob": math.log(0.2)}]
    asked = AIMessage("True", response_metadata={"logprobs": {"content": [{**top[0], "top_logprobs": top}]}})
    assert p_true.read(asked) == pytest.approx(0.75)
    assert [p_true.read(AIMessage(text)) for text in ("True.", "false", "perhaps")] == [1.0, 0.0, None]
    assert [verbal.read(AIMessage(text)) for text in ("85", "I say 85%", "none", "850")] == [0.85, 0.85, None, None]
    assert sequence_probability.read(sure("x", 0.5, 0.125)) == pytest.approx(0.25)
    assert sequence_probability.read(AIMessage("x")) is None


def test_weights_sum_to_one_and_an_unread_one_is_the_mean() -> None:
    assert softmax([None, None], 1.0) == [0.5, 0.5]
    first, second, unread = softmax([1.0, 0.0, None], 1.0)
    assert first + second + unread == pytest.approx(1)
    assert second < unread < first


@pytest.mark.parametrize("samples", [0, -3])
def test_at_least_one_sample(samples: int) -> None:
    with pytest.raises(ModelError, match="at least one"):
        create_self_consistency(OneReplyChatModel(script=lambda m, n: ""), samples=samples)


def test_a_template_is_checked_when_the_graph_is_made() -> None:
    with pytest.raises(PromptError, match=r"\['q'\]"):
        create_self_consistency(OneReplyChatModel(script=lambda m, n: ""), prompt="Answer {q}")

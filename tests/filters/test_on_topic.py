from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langdistill.errors import DatasetError
from langdistill.filters.on_topic import on_topic
from langdistill.groups import Group
from tests.filters.agents import judged, row, said, user

FLIGHTS = [f"Please {verb} my flight to {city}." for verb in ("change", "cancel", "book") for city in ("Oslo", "Rome")]


def asked(*questions: Any) -> Any:
    return row(said("4"), messages=[{"role": "system", "content": "Flight desk"}, *map(user, questions)])


def test_patterns() -> None:
    filter = on_topic(matching=[r"\bflights?\b", "refund"])
    assert judged(filter, asked("Is my FLIGHT late?")).reason == "matches"
    assert judged(filter, asked("Hi", "A refund, please")).keep is True
    assert judged(filter, asked("Tell me a joke.")).reason == "off-topic"
    assert judged(filter, asked([{"type": "image_url"}])).reason == "no-question"
    assert judged(filter, row(said("4"), messages=[])).keep is None


def test_examples_by_hand() -> None:
    filter = on_topic(FLIGHTS)
    assert judged(filter, asked("Could you cancel the flight to Oslo?")).reason == "alike"
    joke = judged(filter, asked("Tell me a joke about cats."))
    assert (joke.reason, joke.score) == ("off-topic", 0.0)
    assert judged(on_topic(FLIGHTS, matching="cats"), asked("Tell me a joke about cats.")).reason == "matches"
    assert judged(on_topic(FLIGHTS, min_similarity=0.99), asked("Cancel it")).keep is False
    assert pickle.loads(pickle.dumps(filter)) == filter


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n") if line]


def requests(data: Path) -> dict[str, list[str]]:
    """Questions of four kinds; those of GSM8K are the topic."""
    tau = lines(data / "tau_bench/few_shot/MockAirlineDomainEnv-few_shot.jsonl")
    tasks = lines(data / "self_instruct/user_oriented_instructions.jsonl")
    return {
        "gsm8k": [one["question"] for one in lines(data / "gsm8k/test.jsonl")],
        "vicuna": [one["turns"][0] for one in lines(data / "fastchat_judge/vicuna_bench/question.jsonl")],
        "tau": [one["messages_display"].split("\nassistant:")[0].removeprefix("user: ") for one in tau],
        "self_instruct": [f"{one['instruction']} {one['instances'][0]['input'] or ''}" for one in tasks],
    }


def test_sums_among_everything_else(data: Path) -> None:
    found = requests(data)
    examples, found["gsm8k"] = found["gsm8k"][:30], found["gsm8k"][30:]
    filter = on_topic(examples)
    kept = {name: sum(judged(filter, asked(one)).keep is True for one in some) for name, some in found.items()}
    assert {name: len(some) for name, some in found.items()} == {
        "gsm8k": 1289,
        "vicuna": 80,
        "tau": 19,
        "self_instruct": 252,
    }
    assert kept == {"gsm8k": 1272, "vicuna": 8, "tau": 2, "self_instruct": 29}
    assert kept["gsm8k"] / sum(kept.values()) > 0.97  # precision; it was 0.79 before the filter
    assert kept["gsm8k"] / 1289 > 0.98  # recall


def test_trivia_have_no_words_of_their_own(data: Path) -> None:
    trivia = [one["question"] for one in json.loads((data / "strategyqa/dev.json").read_text())]
    with pytest.raises(DatasetError, match="embeddings"):
        on_topic(trivia[:30])


class ByLetters(DeterministicFakeEmbedding):
    """An embedding that knows one thing: whether a text speaks of a flight."""

    size: int = 2
    asked: list[int] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.asked.append(len(texts))
        return [[1.0, 0.1 * index] if "fl" in text else [0.0, 1.0] for index, text in enumerate(texts)]


class ByName(ByLetters):
    """One of several that its class knows, as those of OpenAI and Ollama."""

    model: str


def test_embeddings_are_asked_for_many_at_once() -> None:
    model = ByLetters(asked=[])
    filter = on_topic(FLIGHTS, embeddings=model)
    groups = [Group("p", rows=(asked("A flight?"), asked("A joke?"))), Group("q", rows=(asked("Anything"),))]
    first, second = filter.batch(groups)
    assert (first.keep, first.dropped, second.keep) == (True, {1: "off-topic"}, False)
    assert model.asked == [6, 3]
    assert filter.params["embeddings"] == "ByLetters"
    assert "model" not in filter.params
    named = on_topic(FLIGHTS, embeddings=ByName(model="small")).params
    assert (named["embeddings"], named["model"]) == ("ByName", "small")


@pytest.mark.parametrize(
    "make",
    [
        lambda: on_topic(),
        lambda: on_topic(FLIGHTS[:4]),
        lambda: on_topic([*FLIGHTS, " "]),
        lambda: on_topic(matching="("),
    ],
)
def test_no_topic(make: Callable[[], Any]) -> None:
    with pytest.raises(DatasetError):
        make()


def test_parameters_tell_examples_apart() -> None:
    assert on_topic(FLIGHTS).params != on_topic(FLIGHTS[::-1]).params
    assert on_topic(FLIGHTS).params == on_topic(list(FLIGHTS)).params

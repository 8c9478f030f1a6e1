from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.no_refusal import no_refusal
from tests.filters.agents import judged, row, said, user


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I'm sorry, but I can't help with that.", "refused"),
        ("I’m sorry, but I cannot assist with this request.", "refused"),
        ("I cannot provide instructions for that.", "refused"),
        ("I apologize, but I am unable to comply with this request.", "refused"),
        ("Unfortunately, I can't generate images.", "refused"),
        ("I'm not able to help you with that.", "refused"),
        ("I must respectfully decline to answer.", "refused"),
        ("<think>Is this allowed?</think>\nI can't assist with that.", "refused"),
        ("As an AI language model, I don't have feelings.", "boilerplate"),
        ("Good question! I am just an AI, so I have no taste.", "boilerplate"),
        ("I can't help but admire the view from here.", "answers"),
        ("I'm sorry for your loss. Here is a letter that you could send.", "answers"),
        ("I'm sorry, but I cannot remove a passenger from an existing reservation.", "answers"),
        ("I can't write this letter without crying, my dear.", "answers"),
        ("As an AI researcher, I work on language models.", "answers"),
        ("Language models refuse with: As an assistant.", "answers"),
        ("The answer is 4." + " x" * 200 + " As an AI language model, I am done.", "answers"),
        ("", "answers"),
    ],
)
def test_openings(text: str, reason: str) -> None:
    found = judged(no_refusal(), row(said(text)))
    assert (found.keep, found.reason) == (reason == "answers", reason)


def test_only_the_last_text_is_looked_at() -> None:
    assert judged(no_refusal(), row(said("I can't help with that."), user("Do!"), said("Well: 4"))).keep is True
    assert judged(no_refusal(), row(said("Well: 4"), user("More!"), said("I can't help with that."))).keep is False


def test_phrases_of_your_own() -> None:
    filter = no_refusal(phrases=[r"\bich kann (?:das )?nicht\b"])
    assert judged(filter, row(said("Tut mir leid, ich kann das nicht."))).reason == "phrase"
    with pytest.raises(DatasetError, match="regular expression"):
        no_refusal(phrases=["("])


def answers(data: Path) -> Iterator[tuple[str, int, str]]:
    """Answers of models and turns of agents, with their file and row."""
    for path in sorted((data / "vicuna_reviews/answer").glob("*.jsonl")):
        rows = map(json.loads, path.read_text().strip().split("\n"))
        yield from ((path.stem.removeprefix("answer_"), at, one["text"]) for at, one in enumerate(rows))
    for path in sorted((data / "self_instruct/predictions").glob("*.jsonl")):
        rows = map(json.loads, path.read_text().strip().split("\n"))
        yield from ((path.stem.split("_")[0], at, str(one["response"])) for at, one in enumerate(rows))
    for at, one in enumerate(json.loads((data / "llamafactory_demo/glaive_toolcall_en_demo.json").read_text())):
        yield from (("glaive", at, turn["value"]) for turn in one["conversations"] if turn["from"] == "gpt")
    shown = (data / "tau_bench/few_shot/MockAirlineDomainEnv-few_shot.jsonl").read_text().strip().split("\n")
    for at, one in enumerate(map(json.loads, shown)):
        turns = one["messages_display"].split("\n")
        yield from (("tau", at, turn[11:]) for turn in turns if turn.startswith("assistant: "))


FLAGGED = {  # every one of these was read: none answers what was asked without refusing or speaking of itself
    ("gpt35", 27): "refused",  # "as an AI language model, I am not capable of reaching the summit"
    ("gpt35", 35): "boilerplate",
    ("vicuna-13b", 21): "refused",  # "As a language model, I cannot condone or encourage piracy"
    ("vicuna-13b", 22): "boilerplate",
    ("vicuna-13b", 27): "boilerplate",
    ("vicuna-13b", 44): "refused",  # "I cannot provide a specific answer to this question"
}
GLAIVE = {0, 22, 23, 29, 38, 53, 55, 57, 59, 60, 106, 108, 125, 126, 128, 129, 134, 135, 139, 141, 143, 159, 164, 183,
          184, 206, 207, 208, 210, 213, 215, 219, 226, 236, 246, 261, 262, 266, 276, 278, 279, 288, 289, 294}  # fmt: skip
"""Read, too: each says "I'm sorry" and that it is unable to do what no function was given for. Row 80 says that a website is down."""


def test_real_answers(data: Path) -> None:
    seen: Counter[str] = Counter()
    flagged: dict[tuple[str, int], str] = {}
    for source, at, text in answers(data):
        seen[source] += 1
        found = judged(no_refusal(), row(said(text)))
        if not found.keep:
            flagged[source, at] = found.reason
    assert seen == {
        "bard": 80, "gpt35": 80, "vicuna-13b": 80, "davinci-self-instruct": 252, "text-davinci-003": 252,
        "glaive": 746, "tau": 222,
    }  # fmt: skip
    assert flagged == FLAGGED | {("glaive", at): "refused" for at in GLAIVE}

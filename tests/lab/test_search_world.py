"""The search world: its problems, and a model that errs as it is told to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from langchain_core.messages import HumanMessage

from langdistill.answers import final_answer, outlook, selection
from langdistill.jobs import sample_path
from langdistill.lab.search.comparing import Cost, best_of, branched, samples_for, scorer, voted
from langdistill.lab.search.reasoner import (
    Rates,
    discriminator,
    generator,
    place_in,
    reasoner,
    stumbles,
)
from langdistill.lab.search.simulating import STRONG, WEAK, Simulation, simulated
from langdistill.lab.search.world import DAYS, SIZES, Change, Story, draw, story_in
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.search.actions import ACTIONS, so_far_told
from langdistill.search.evaluators.value import PROMPT as VALUE
from langdistill.search.evaluators.value import value
from langdistill.search.evaluators.vote import PROMPT as VOTE
from langdistill.search.evaluators.vote import vote
from langdistill.search.mutual_reasoning import COMPLETE

THOUGHT, REST, ASK, AGAIN, REPHRASE = ACTIONS
STORY = Story(
    "Ann", "socks", 40, (Change("Monday", "+", 7), Change("Tuesday", "-", 3, pairs=True), Change("Wednesday", "*", 2))
)
NEVER = Rates(0, 0, 0, 0, stumbles=0, doubts=0)
ALWAYS = Rates(0, 0, 0, 0, stumbles=1, rushed=1, careful=1, asked=1, rephrased=0, doubts=0)


def said(prompt: str, rates: Rates = NEVER, n: int = 1) -> list[str]:
    model = reasoner(rates)
    return [one.text for one in model.generate([[HumanMessage(prompt)]], n=n).generations[0]]


def test_a_story_and_its_graph() -> None:
    assert STORY.text == (
        "Ann has 40 single socks. On Monday Ann buys 7 socks. On Tuesday Ann loses 3 pairs of socks. "
        "On Wednesday Ann has 2 times as many socks as the day before. How many single socks has Ann at the end?"
    )
    assert story_in(STORY.text) == story_in(f"{STORY.text}\n\nOn Monday Ann buys 9 socks.") == STORY
    assert (STORY.ends_in(), STORY.ends_in(misread=True)) == (82, 88)
    with pytest.raises(ValueError, match="A problem of the search world was expected"):
        story_in("How many?")


def test_problems() -> None:
    drawn = draw(200, seed=3)
    stories = [story_in(one.question) for one in drawn.problems]
    assert draw(200, seed=3) == drawn
    assert draw(200, seed=4).problems[0].question != drawn.problems[0].question
    assert len({one.question for one in drawn.problems}) == 200
    assert Counter(len(one.changes) for one in stories).keys() == set(SIZES)
    for problem, story in zip(drawn.problems, stories, strict=True):
        assert story.text == problem.question
        assert [one.day for one in story.changes] == list(DAYS[: len(story.changes)])
        assert sum(one.pairs for one in story.changes) == 1
        assert drawn.gold[problem.id] == str(story.ends_in()) != str(story.ends_in(misread=True))
        assert drawn.gold[problem.id] not in re.findall(r"-?\d+", problem.id)


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        (THOUGHT.asked(STORY.text, []), "Monday: 40 + 7 = 47."),
        (THOUGHT.asked(STORY.text, ["Monday: 40 + 7 = 47."]), "Tuesday: 47 - 6 = 41."),
        (THOUGHT.asked(STORY.text, ["Tuesday: 47 - 6 = 41."]), "Wednesday: 41 * 2 = 82.\nAnswer: 82"),
        (THOUGHT.asked(STORY.text, ["Monday: 40 + 7 = 1."]), "Tuesday: 1 - 6 = -5."),
        (REST.asked(STORY.text, ["Tuesday: 47 - 6 = 41."]), "Wednesday: 41 * 2 = 82.\nAnswer: 82"),
        (REST.asked(STORY.text, ["Wednesday: 41 * 2 = 82.", "Answer: 82"]), "Answer: 82"),
        (ASK.asked(STORY.text, ["Tuesday: 47 - 6 = 41."]), f"Now we can answer: {STORY.asked}"),
        (ASK.asked_then(STORY.text, [], "How many socks has Ann after Monday?"), "Monday: 40 + 7 = 47.\nAnswer: 47"),
        (
            ASK.asked_then(STORY.text, ["Monday: 40 + 7 = 47."], f"Now we can answer: {STORY.asked}"),
            "Tuesday: 47 - 6 = 41.\nWednesday: 41 * 2 = 82.\nAnswer: 82",
        ),
        (AGAIN.asked(STORY.text, ["Monday: 40 + 7 = 44."]), "Monday: 40 + 7 = 47.\nAnswer: 47"),
        (
            REPHRASE.asked(STORY.text, []),
            "Given: 40 at first.\nGiven: on Monday 7 (+).\nGiven: on Tuesday 3 pairs, which are 6 pieces (-).\n"
            f"Given: on Wednesday 2 (*).\nAsked: {STORY.asked}",
        ),
        (
            fill(STEP_BY_STEP, question=STORY.text),
            "Monday: 40 + 7 = 47.\nTuesday: 47 - 6 = 41.\nWednesday: 41 * 2 = 82.\nAnswer: 82",
        ),
        (
            fill(COMPLETE, question=STORY.text, so_far="Steps so far:\nTuesday: 47 - 3 = 44.\n\n"),
            "Wednesday: 44 * 2 = 88.\nAnswer: 88",
        ),
    ],
)  # fmt: skip
def test_who_never_errs(prompt: str, reply: str) -> None:
    assert said(prompt) == [reply]


def test_who_always_misreads_takes_pairs_for_pieces_until_they_are_listed() -> None:
    assert final_answer(said(REST.asked(STORY.text, []), ALWAYS)[0]) == "88"
    assert said(THOUGHT.asked(STORY.text, ["Monday: 40 + 7 = 47."]), ALWAYS) == ["Tuesday: 47 - 3 = 44."]
    [listed] = said(REPHRASE.asked(STORY.text, []), ALWAYS)
    assert final_answer(said(REST.asked(STORY.text, [listed]), ALWAYS)[0]) == "82"
    [unlisted] = said(REPHRASE.asked(STORY.text, []), Rates(stumbles=1, rephrased=1))
    assert "on Tuesday 3 (-)" in unlisted
    assert final_answer(said(REST.asked(STORY.text, [unlisted]), ALWAYS)[0]) == "88"


def test_who_doubts_begins_anew() -> None:
    begun = fill(COMPLETE, question=STORY.text, so_far="Steps so far:\nTuesday: 47 - 3 = 44.\n\n")
    doubts = Rates(0, 0, 0, 0, stumbles=0, doubts=1)
    assert said(begun, doubts)[0].startswith("Monday: 40 + 7 = 47.\n")
    assert final_answer(said(begun, doubts)[0]) == "82"


@pytest.mark.parametrize(
    ("prompt", "rate"),
    [
        (THOUGHT.asked(STORY.text, []), 0.10),
        (ASK.asked_then(STORY.text, [], "How many socks has Ann after Monday?"), 0.06),
        (AGAIN.asked(STORY.text, ["Monday: 40 + 7 = 47."]), 0.03),
        (REST.asked(STORY.text, []), 1 - (1 - 3 * 0.02) ** 3),
        (REST.asked(STORY.text, ["Monday: 40 + 7 = 47."]), 1 - (1 - 2 * 0.02) ** 2),
        (REST.asked(STORY.text, ["Tuesday: 47 - 6 = 41."]), 0.02),
    ],
)
def test_errors_by_chance_are_as_frequent_as_told(prompt: str, rate: float) -> None:
    right = said(prompt)[0].splitlines()[-1]
    replies = said(prompt, Rates(stumbles=0), n=4000)
    wrong = sum(one.splitlines()[-1] != right for one in replies) / 4000
    assert wrong == pytest.approx(rate, abs=4 * (rate * (1 - rate) / 4000) ** 0.5 + 0.005), (
        "a second slip may undo the first"
    )


def test_a_reply_follows_from_the_prompt_and_the_index_of_its_sample() -> None:
    prompt = THOUGHT.asked(STORY.text, [])
    together = said(prompt, Rates(), n=40)
    model = reasoner(batched=False)
    apart = list[str]()
    for index in reversed(range(40)):
        entered = sample_path.set((index,))
        apart.append(model.invoke(prompt).text)
        sample_path.reset(entered)
    assert apart[::-1] == together
    assert len(set(together)) > 1
    assert (model.requests, len(model.prompts)) == (40, 40)


JUDGES = replace(NEVER, judged=0)


def valued(way: str, rates: Rates = JUDGES, n: int = 1) -> list[str | None]:
    prompt = fill(VALUE, question=STORY.text, so_far=so_far_told(way.splitlines()))
    return [outlook(one) for one in said(prompt, rates, n)]


RIGHT, SLIPPED, MISREAD = "Monday: 40 + 7 = 47.", "Monday: 40 + 7 = 48.", "Tuesday: 47 - 3 = 44."
ENDED = f"{RIGHT}\nTuesday: 47 - 6 = 41.\nWednesday: 41 * 2 = 82.\nAnswer: 82"


def test_a_way_is_judged() -> None:
    ways = (
        "",
        RIGHT,
        SLIPPED,
        f"{RIGHT}\n{MISREAD}",
        ENDED,
        f"{SLIPPED}\nTuesday: 48 - 6 = 42.",
        ENDED.replace("41 * 2 = 82", "41 * 2 = 80"),
    )
    assert [valued(one)[0] for one in ways] == [
        "likely",
        "likely",
        "impossible",
        "impossible",
        "sure",
        "impossible",
        "impossible",
    ]
    wrongly = replace(JUDGES, judged=1)
    assert [valued(one, wrongly)[0] for one in ways[1:4]] == ["impossible", "likely", "likely"]


def test_who_misreads_overlooks_it_in_a_way_and_nothing_else() -> None:
    misreads = replace(ALWAYS, judged=0)
    told = {one: valued(one, misreads)[0] for one in (RIGHT, SLIPPED, f"{RIGHT}\n{MISREAD}", ENDED)}
    assert [*told.values()] == ["likely", "impossible", "likely", "sure"]
    listed = f"Given: on Tuesday 3 pairs, which are 6 pieces (-).\n{RIGHT}\n{MISREAD}"
    assert valued(listed, misreads) == ["impossible"], "once the pairs are told as pieces nobody misreads them"


@pytest.mark.parametrize(("way", "rates", "share"), [
    (RIGHT, Rates(stumbles=0), 0.8), (SLIPPED, Rates(stumbles=1), 0.2), (f"{RIGHT}\n{MISREAD}", Rates(stumbles=0), 0.2),
    (f"{RIGHT}\n{MISREAD}", Rates(stumbles=1), 0.35 * 0.8 + 0.65 * 0.2),
])  # fmt: skip
def test_judgements_are_as_often_wrong_as_told(way: str, rates: Rates, share: float) -> None:
    told = valued(way, rates, n=4000)
    assert told.count("likely") / 4000 == pytest.approx(share, abs=4 * (share * (1 - share) / 4000) ** 0.5)


def voted_for(ways: list[str], rates: Rates = JUDGES, n: int = 200) -> Counter[int | None]:
    shown = "\n\n".join(f"Response {number}:\n{one}" for number, one in enumerate(ways, 1))
    prompt = fill(VOTE, question=STORY.text, responses=shown)
    return Counter(selection(one, len(ways)) for one in said(prompt, rates, n))


def test_a_vote_goes_to_one_in_which_nothing_seems_wrong() -> None:
    ways = [SLIPPED, RIGHT, f"{RIGHT}\n{MISREAD}", ENDED]
    assert set(voted_for(ways)) == {1, 3}
    assert set(voted_for(ways, replace(ALWAYS, judged=0))) == {1, 2, 3}
    assert set(voted_for([SLIPPED, SLIPPED.replace("48", "46")])) == {0, 1}, "where all seem wrong, any"
    assert voted_for(ways, Rates(judged=0.5), n=4000)[0] == pytest.approx(1000, abs=120), "who judges by chance"


def test_who_judges_otherwise_thinks_alike() -> None:
    prompt = THOUGHT.asked(STORY.text, [])
    assert said(prompt, Rates(judged=0.5), n=40) == said(prompt, Rates(), n=40)
    assert reasoner(Rates(judged=0.5)).model != reasoner().model


def test_the_best_of_n_is_judged_as_a_state_is() -> None:
    judge = scorer(reasoner(JUDGES))
    given = [{"question": STORY.text, "reply": one} for one in (ENDED, RIGHT, SLIPPED)]
    assert judge.batch(given) == pytest.approx([20, 1, 0.001])
    found = best_of(reasoner(JUDGES), STORY.text, 4)
    assert (found.answer, found.cost.completions) == ("82", 4 + 4 * 3)


def test_a_tree_of_thoughts_of_who_never_errs() -> None:
    """One way, each step valued three times; one state alone is not voted on."""
    assert [branched(reasoner(JUDGES), STORY.text, one)[0] for one in (value(), vote())] == ["82", "82"]
    costs = [branched(reasoner(JUDGES), STORY.text, one).cost.completions for one in (value(), vote())]
    assert costs == [3 * (5 + 3), 3 * 5]


def test_two_models_stumble_over_the_same_or_over_others() -> None:
    questions = [one.question for one in draw(400, seed=0).problems]
    one, other = ([stumbles(text, trap=trap) for text in questions] for trap in ("generator", "discriminator"))
    assert sum(one) == pytest.approx(200, abs=40)
    assert sum(a == b for a, b in zip(one, other, strict=True)) == pytest.approx(200, abs=40), "independent"
    names = {one.model for one in (generator(), generator(5), discriminator(), discriminator(correlated=True))}
    assert len(names) == 4


def test_samples_for_so_many_tokens() -> None:
    """Ten tokens a sample, and the prompt's fifty once."""
    assert samples_for(1000, Cost(completions=10, read=50, generated=100)) == 95
    assert samples_for(20, Cost(completions=10, read=50, generated=100)) == 1
    drawn = voted(reasoner(NEVER), STORY.text, 4)
    assert drawn.answer == "82"
    assert drawn.cost == Cost(4, len(fill(STEP_BY_STEP, question=STORY.text).split()), 4 * 20)
    assert voted(reasoner(NEVER), STORY.text, samples_for(1000, drawn.cost)).cost.tokens == pytest.approx(1000, abs=10)


def test_votes_do_not_help_against_misreading() -> None:
    """Of 40 problems those that it reads well become right by votes, and the others wrong in one and the same way."""
    drawn = draw(40, seed=1)
    stumbling = Rates(stumbles=1)
    for rates, ends in ((Rates(stumbles=0), False), (stumbling, True)):
        answers = [voted(reasoner(rates), one.question, 200).answer for one in drawn.problems]
        expected = [str(story_in(one.question).ends_in(misread=ends)) for one in drawn.problems]
        assert sum(a == b for a, b in zip(answers, expected, strict=True)) >= 38


@pytest.mark.parametrize("prompt", ["What now?", f"{STORY.text}\nSay it."])
def test_what_it_does_not_know(prompt: str) -> None:
    with pytest.raises(ValueError, match="A prompt of a search or of self-consistency was expected"):
        place_in(prompt)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (STRONG, {"majority": 0.796, "repo": 0.878, "product": 0.877}),
        (WEAK, {"majority": 0.793, "repo": 0.695, "product": 0.750}),
    ],
)
def test_the_simulations_of_the_analysis(setting: Simulation, expected: dict[str, float]) -> None:
    """8,000 draws: four standard errors are 0.018 beside the 40,000 draws of the analysis, and ties are decided otherwise there."""
    found = simulated(setting, 8000, Random(1))
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=0.02)
    assert found["smoothed"] > found["majority"] - 0.01, "a weak second model does no harm"


def test_gold_in_the_selection_would_pay() -> None:
    """The leak of the authors' code: with six candidates and a weak discriminator 0.7 points; the same draws, so that it is paired."""
    found = simulated(Simulation(6, 0.6, 0.4), 8000, Random(1))
    assert found["leak"] - found["repo"] == pytest.approx(0.007, abs=0.004)

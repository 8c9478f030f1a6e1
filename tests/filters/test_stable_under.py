from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from langdistill.answers import choice
from langdistill.errors import DatasetError
from langdistill.filters.stable_under import stable_under
from langdistill.groups import Group, grouped
from langdistill.perturbations.option_order import option_order, options_of
from langdistill.perturbations.perturbing import Perturbation
from langdistill.perturbations.swapped import swapped
from langdistill.records import Message, Problem, Trace

SWAPPED = swapped()
REWORDED = Perturbation("reworded", lambda question, rng: question)
PAIR = "Response A: x\nResponse B: y"


def trace(answer: str | None, question: str, perturbation: str | None = None) -> Trace:
    asked: list[Message] = [{"role": "user", "content": question}]
    marks = {"problem": "p"} | ({"perturbation": perturbation} if perturbation else {})
    return Trace(
        id="t", input=asked, answer=answer, output=[{"role": "assistant", "content": "hm\nhm"}], metadata=marks
    )


def judged(answers: list[str | None], variants: dict[str, list[str | None]] | None = None) -> Group:
    traces = [trace(one, PAIR) for one in answers]
    traces += [trace(one, PAIR, name) for name, some in (variants or {}).items() for one in some]
    [group] = grouped(traces)
    return group


@pytest.mark.parametrize(
    ("original", "changed", "keep", "reason"),
    [
        (["A"], ["B"], True, "stable"),
        (["A"], ["A"], False, "unstable"),
        (["tie"], ["tie"], True, "stable"),
        (["A", "B"], ["B"], False, "tied"),
        ([None], ["B"], False, "no-answer"),
        (["A"], ["A", "B"], False, "tied"),
        (["A"], [None], False, "unstable"),
    ],
)
def test_stable_under(original: list[str | None], changed: list[str | None], keep: bool, reason: str) -> None:
    verdict = stable_under(SWAPPED)(judged(original, {"swapped": changed}))
    assert (verdict.keep, verdict.reason) == (keep, reason)


def test_a_question_never_asked_another_way_cannot_be_judged() -> None:
    verdict = stable_under(SWAPPED)(judged(["A"]))
    assert (verdict.keep, verdict.reason, verdict.evidence["missing"]) == (None, "no-variant", "swapped")


def test_a_judge_that_always_says_a_is_dropped_and_an_order_blind_one_kept() -> None:
    judge = stable_under(SWAPPED)
    biased = [judge(judged(["A"], {"swapped": ["A"]})) for _ in range(20)]
    blind = [judge(judged([side], {"swapped": [other]})) for side, other in ("AB", "BA") * 10]
    assert [verdict.keep for verdict in biased] == [False] * 20
    assert [verdict.keep for verdict in blind] == [True] * 20


def test_several_perturbations() -> None:
    both = stable_under(REWORDED, SWAPPED)
    assert both(judged(["A", "A"], {"reworded": ["a"], "swapped": ["B"]})).keep
    assert both(judged(["A"], {"reworded": ["B"], "swapped": ["B"]})).reason == "unstable"
    assert both(judged(["A"], {"reworded": ["A"]})).keep is None
    assert both(judged(["A", "B"], {})).reason == "tied"


def test_no_perturbation_at_all() -> None:
    with pytest.raises(DatasetError, match="at least one"):
        stable_under()


OPTIONS = "Where?\n(A) in a bar\n(B) at home\n(C) in town\n(D) at sea"


def letter_of(text: str, question: str) -> str:
    return next(one.letter for one in options_of(question) if one.text == text)


def reordered(texts: dict[int, str], original: str = "B") -> Group:
    """A model that answered the original with a letter, and the variant of each seed with the letter of a text."""
    problem = Problem(id="p", question=OPTIONS)
    traces = [trace(original, OPTIONS)]
    for seed, text in texts.items():
        question = option_order().problem(problem, seed).question
        traces.append(trace(letter_of(text, question), question, "option_order"))
    [group] = grouped(traces, choice)
    return group


def test_each_variant_is_mapped_back_by_its_own_question() -> None:
    assert len({option_order().problem(Problem(id="p", question=OPTIONS), seed).question for seed in range(5)}) > 1
    verdict = stable_under(option_order())(reordered(dict.fromkeys(range(5), "at home")))
    assert (verdict.keep, verdict.evidence) == (True, {"original": "B", "option_order": "B"})
    verdict = stable_under(option_order())(reordered(dict.fromkeys(range(5), "at sea")))
    assert (verdict.keep, verdict.evidence) == (False, {"original": "B", "option_order": "D"})


def test_a_model_that_always_takes_the_second_option_is_dropped() -> None:
    problem = Problem(id="p", question=OPTIONS)
    family, rng = option_order(), Random(0)
    kept = 0
    for _ in range(40):
        question = family.problem(problem, rng.randrange(10**6)).question
        moved = letter_of("at home", question) != "B"
        [group] = grouped([trace("B", OPTIONS), trace("B", question, "option_order")], choice)
        verdict = stable_under(family)(group)
        assert verdict.keep is not moved
        kept += bool(verdict.keep)
    assert 0 < kept < 20


def test_a_variant_of_another_question_cannot_be_mapped_back() -> None:
    [group] = grouped([trace("B", OPTIONS), trace("B", OPTIONS.replace("sea", "lunch"), "option_order")], choice)
    verdict = stable_under(option_order())(group)
    assert (verdict.keep, verdict.reason) == (None, "no-inverse")


def test_the_order_in_which_runs_came_decides_nothing() -> None:
    runs = [
        trace("A", PAIR),
        trace("A", PAIR),
        trace("B", PAIR),
        trace("B", PAIR, "swapped"),
        trace("A", PAIR, "swapped"),
    ]
    verdicts = [stable_under(SWAPPED)(next(grouped(order))) for order in permutations(runs)]
    assert all(one == verdicts[0] for one in verdicts)
    assert verdicts[0].reason == "tied"

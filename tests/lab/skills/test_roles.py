from __future__ import annotations

from collections import Counter
from statistics import fmean

import pytest

from langdistill.answers import grades
from langdistill.jobs import sample_path
from langdistill.lab.skills.roles import LEANING, Leaning, generator, referee, teacher
from langdistill.lab.skills.world import SkillWorld, request_in
from langdistill.mining.generators.long_tailed import PROMPT as RARER
from langdistill.mining.generators.same_kind import PROMPT as SAME_KIND
from langdistill.mining.referee import PROMPT
from langdistill.prompts import fill

WORLD = SkillWorld(7)
SEEDS = WORLD.seeds(400)
WRONG = "I do not know."


def graded(leaning: Leaning, *, first_right: bool, second_right: bool) -> list[tuple[float, float]]:
    """What a referee gives both responses to each seed."""
    judge, found = referee(WORLD, leaning), []
    for one in SEEDS:
        responses = [WORLD.answer(one) if right else WRONG for right in (first_right, second_right)]
        found.append(grades(judge.invoke(fill(PROMPT, request=one.text, first=responses[0], second=responses[1])).text))
    return [pair for pair in found if pair]


def test_the_teacher_is_always_right_with_a_full_stop_or_without() -> None:
    said = [(one, teacher(WORLD).invoke(one.text).text) for one in SEEDS]
    assert all(text.rstrip(".") == WORLD.answer(one).rstrip(".") and WORLD.is_right(one, text) for one, text in said)
    assert fmean(text.endswith(".") for _, text in said) == pytest.approx(0.5, abs=0.1)


def test_an_unleaning_referee_grades_the_truth() -> None:
    fair = Leaning(noise=0, first=0)
    assert set(graded(fair, first_right=True, second_right=False)) == {(9, 4)}
    assert set(graded(fair, first_right=False, second_right=True)) == {(4, 9)}


def test_the_referee_is_noisy_and_prefers_the_first() -> None:
    both_wrong = graded(LEANING, first_right=False, second_right=False)
    assert fmean(a - b for a, b in both_wrong) == pytest.approx(LEANING.first, abs=0.15)
    assert len({b for _, b in both_wrong}) > 1
    both_right = graded(LEANING, first_right=True, second_right=True)
    assert max(a for a, _ in both_right) == 10
    # of two that are as good the one shown first is a grade ahead more often than not: what one order alone calls hard
    assert fmean(a - b >= 1 for a, b in both_right) == pytest.approx(0.68, abs=0.08)


def test_a_blind_referee_grades_at_random() -> None:
    found = graded(Leaning(blind=True), first_right=True, second_right=False)
    assert {one for pair in found for one in pair} == set(range(1, 11))
    assert fmean(a - b for a, b in found) == pytest.approx(0, abs=0.6)


def test_a_share_of_replies_is_unreadable() -> None:
    found = graded(Leaning(unreadable=0.25), first_right=True, second_right=True)
    assert len(found) / len(SEEDS) == pytest.approx(0.75, abs=0.06)


def test_a_reply_depends_on_prompt_and_sample_alone() -> None:
    prompt = fill(SAME_KIND, request=SEEDS[0].text)
    one, other = generator(WORLD), generator(WORLD)
    other.invoke(fill(SAME_KIND, request=SEEDS[1].text))
    assert one.invoke(prompt).text == other.invoke(prompt).text
    told = set()
    for index in range(5):
        entered = sample_path.set((index,))
        told.add(one.invoke(prompt).text)
        sample_path.reset(entered)
    assert len(told) == 5


def test_same_kind_stays_in_the_cell() -> None:
    model = generator(WORLD)
    for one in SEEDS[:100]:
        written = request_in(model.invoke(fill(SAME_KIND, request=one.text)).text)
        assert written.cell == one.cell
        assert written != one


def test_rarer_stays_in_the_country_and_goes_where_few_are() -> None:
    model, ranks = generator(WORLD), Counter[int]()
    for one in SEEDS:
        written = request_in(model.invoke(fill(RARER, request=one.text)).text)
        assert written.cell.domain == one.cell.domain
        ranks[WORLD.ranks[written.cell]] += 1
    for rank in (1, 2, 3, 4):
        assert ranks[rank] / len(SEEDS) == pytest.approx(rank / 10, abs=0.07)


def test_roles_refuse_prompts_that_are_not_theirs() -> None:
    with pytest.raises(ValueError, match="two responses"):
        referee(WORLD).invoke(SEEDS[0].text)
    with pytest.raises(ValueError, match="same_kind or long_tailed"):
        generator(WORLD).invoke(SEEDS[0].text)
    with pytest.raises(ValueError, match="one instruction"):
        teacher(WORLD).invoke("How are you?")


def test_worlds_and_leanings_are_told_apart_by_name() -> None:
    models = [
        teacher(WORLD),
        teacher(SkillWorld(8)),
        generator(WORLD),
        referee(WORLD),
        referee(WORLD, Leaning(first=0)),
    ]
    assert len({model.model for model in models}) == 5

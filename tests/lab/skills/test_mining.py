from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.lab.skills.mining import ARMS, LATER, Settings, SkillMining

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

FEW = LATER.model_copy(update={"epochs": 2})
TINY = Settings(seeds=40, per_round=8, rounds=1, first=FEW, later=FEW, questions=1, pool="dev")


def mining(folder: Path, arm: str, told: list[str]) -> SkillMining:
    return SkillMining(100, arm, folder, lambda step, done, of: told.append(f"{step} {done}/{of}"), TINY)


def test_a_small_round_of_two_arms_shares_its_first_student_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    told: list[str] = []
    found = {arm: mining(tmp_path, arm, told).run() for arm in ("adversarial", "no_easy_half")}
    assert told[:2] == ["seed 100, adversarial: student 1/2", "seed 100, adversarial: student 2/2"]
    assert sorted(path.name for path in (tmp_path / "students").glob("v*")) == ["v1", "v2", "v3"]
    papers, no_easy_half = (found[arm]["rounds"][0] for arm in ("adversarial", "no_easy_half"))
    assert papers["cache"] == papers["judged"] == 40
    assert papers["share_wrong"] > 0.5  # two passes over 40 rows teach next to nothing
    assert papers["mis_split"] == pytest.approx(0, abs=0.1)
    assert papers["share_hard"] == no_easy_half["share_hard"]
    assert sum(no_easy_half["written"].values()) == 8
    if papers["share_hard"] == 1:  # nothing easy to write from: the round is short, and says so
        assert sum(papers["written"].values()) == 4
        assert found["adversarial"]["stopped"] is None
    else:
        assert sum(papers["written"].values()) == 8
    first, second = found["adversarial"]["students"]
    assert first == found["no_easy_half"]["students"][0]
    assert first["all"]["n"] == second["all"]["n"] == 24
    assert mining(tmp_path, "adversarial", told).run() == found["adversarial"]
    assert len(list((tmp_path / "students").glob("v*"))) == 3


def test_every_arm_differs_from_the_papers_in_one_thing() -> None:
    papers = ARMS["adversarial"]
    for name, arm in ARMS.items():
        changed = [key for key in ("leaning", "swap", "share_hard") if getattr(arm, key) != getattr(papers, key)]
        assert len(changed) == (name != "adversarial")

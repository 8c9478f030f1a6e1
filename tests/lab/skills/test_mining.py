from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.lab.skills.mining import ARMS, LATER, Settings, SkillMining

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

FEW = LATER.model_copy(update={"epochs": 2})
TINY = Settings(seeds=40, per_round=8, rounds=1, first=FEW, later=FEW, questions=1, pool="dev")


def mining(folder: Path, arm: str, told: list[str]) -> SkillMining:
    return SkillMining(100, arm, folder, lambda step, done, of: told.append(f"{step} {done}/{of}"), TINY)


def test_one_small_round_of_each_arm_shares_its_first_student_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    told: list[str] = []
    found = {arm: mining(tmp_path, arm, told).run() for arm in ("adversarial", "no_easy_half", "no_swap")}
    assert told[:2] == ["seed 100, adversarial: student 1/2", "seed 100, adversarial: student 2/2"]
    assert sorted(path.name for path in (tmp_path / "students").glob("v*")) == ["v1", "v2", "v3", "v4"]
    assert len({str(one["students"][0]) for one in found.values()}) == 1
    for one in found.values():
        [split] = one["rounds"]
        assert split["cache"] == split["judged"] == 40
        assert sum(split["written"].values()) == 8
        assert split["share_wrong"] > 0.5  # 40 seeds are not enough to learn 24 cells
        assert one["students"][0]["all"]["n"] == 24
    assert found["adversarial"]["rounds"][0]["mis_split"] < 0.1
    assert found["no_swap"]["rounds"][0]["first_preferred_by"] is None
    assert mining(tmp_path, "adversarial", told).run() == found["adversarial"]
    assert len(list((tmp_path / "students").glob("v*"))) == 4


def test_every_arm_differs_from_the_papers_in_one_thing() -> None:
    papers = ARMS["adversarial"]
    for name, arm in ARMS.items():
        changed = [key for key in ("leaning", "swap", "share_hard") if getattr(arm, key) != getattr(papers, key)]
        assert len(changed) == (name != "adversarial")

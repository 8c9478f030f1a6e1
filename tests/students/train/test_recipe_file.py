from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import StudentError, UnknownName
from langdistill.students.train.recipe import MINIATURE, ORDINARY, SPECIALISATION
from langdistill.students.train.recipe_file import RecipeFile, read_recipe_file, write_recipe_file

SAID = RecipeFile(
    dataset='a "quoted" folder',
    base="lab",
    out="s",
    objective="step_by_step(alpha=0.3)",
    seed=3,
    choose=True,
    recipe={"like": "ordinary", "rank": 4, "learning_rate": 3e-05, "packing": True, "schedule": "linear"},
)


@pytest.mark.parametrize("name", ["r.toml", "r.json"])
def test_what_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    write_recipe_file(SAID, tmp_path / name)
    assert read_recipe_file(tmp_path / name) == SAID


def test_a_file_written_by_hand(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(
        'dataset = "d"\nbase = "lab"\n[recipe]\nlike = "specialisation"\nlearning_rate = 1e-4\nsteps = 5\n'
    )
    recipe = read_recipe_file(tmp_path / "r.toml").recipe_like(None, "miniature", {})
    assert recipe == SPECIALISATION.model_copy(update={"learning_rate": 1e-4, "steps": 5})


@pytest.mark.parametrize(
    ("said", "name", "changes", "recipe"),
    [
        ({}, None, {}, MINIATURE),
        ("ordinary", None, {}, ORDINARY),
        ("ordinary", "specialisation", {}, SPECIALISATION),
        ({}, None, {"rank": 4}, MINIATURE.model_copy(update={"rank": 4})),
        ({"rank": 2}, None, {"rank": 4}, MINIATURE.model_copy(update={"rank": 4})),
        ({}, None, {"epochs": 3.0}, MINIATURE.model_copy(update={"epochs": 3.0, "steps": None})),
        ({"steps": 9}, None, {"epochs": 3.0}, MINIATURE.model_copy(update={"epochs": 3.0, "steps": None})),
        ({}, None, {"epochs": 3.0, "steps": 9}, MINIATURE.model_copy(update={"epochs": 3.0, "steps": 9})),
    ],
)
def test_options_change_what_a_file_says(said: Any, name: str | None, changes: dict[str, Any], recipe: Any) -> None:
    assert RecipeFile(recipe=said).recipe_like(name, "miniature", changes) == recipe


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dataset = ", "cannot be read"),
        ("colour = 3", "has 'colour'; known are dataset, base, out"),
        ("seed = 'many'", "cannot have seed='many'"),
    ],
)
def test_a_file_that_says_something_else(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(StudentError, match=says):
        read_recipe_file(tmp_path / "r.toml")


def test_other_refusals(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=r"must end in \.toml or \.json"):
        read_recipe_file(tmp_path / "r.yaml")
    with pytest.raises(StudentError, match="cannot be read"):
        read_recipe_file(tmp_path / "nothing.toml")
    (tmp_path / "r.json").write_text("[]")
    with pytest.raises(StudentError, match="holds a list"):
        read_recipe_file(tmp_path / "r.json")
    with pytest.raises(StudentError, match="cannot have rank=0"):
        RecipeFile().recipe_like(None, "ordinary", {"rank": 0})
    with pytest.raises(StudentError, match="has 'colour'"):
        RecipeFile(recipe={"colour": "red"}).recipe_like(None, "ordinary", {})
    with pytest.raises(UnknownName, match="no recipe named 'cake'"):
        RecipeFile(recipe={"like": "cake"}).recipe_like(None, "ordinary", {})
    with pytest.raises(StudentError, match="cannot be written"):
        write_recipe_file(SAID, tmp_path / "nowhere" / "r.toml")

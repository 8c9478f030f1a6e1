"""A training as a file: the same one on one device and, under `accelerate launch`, on several.

TOML or JSON: `dataset`, `base`, `out`, `objective` as it is written in Python, `seed`, `choose`, `regression`, and `recipe`: the name of
one, or its fields, which may say which one they are `like`. Paths are seen from where the command runs.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field, ValidationError

from langdistill.errors import StudentError, UnknownName
from langdistill.folders import write_whole
from langdistill.records import Record
from langdistill.students.train.recipe import RECIPES, Recipe

KINDS = (".toml", ".json")


class RecipeFile(Record):
    """What a file says, and nothing that it does not say."""

    dataset: str | None = None
    base: str | None = None
    out: str | None = None
    objective: str | None = None
    """"step_by_step(alpha=0.3)"."""
    seed: int | None = None
    choose: bool | None = None
    """Whether the checkpoint is chosen by what is measured of each."""
    regression: str | None = None
    """The file of a regression set."""
    recipe: str | dict[str, Any] = Field(default_factory=dict)
    """The name of a recipe, or the fields of one."""

    def recipe_like(self, name: str | None, usual: str, changes: Mapping[str, Any]) -> Recipe:
        """The recipe that the file means, changed.

        Args:
            name: of another recipe to begin with.
            usual: name of that to begin with where nobody says.
            changes: of its fields; `None`: unchanged. Epochs take the place of steps.

        Raises:
            StudentError: a field has a value that it cannot have.
            UnknownName: there is no such recipe.
        """
        fields = dict(self.recipe) if isinstance(self.recipe, dict) else {"like": self.recipe}
        begun = name or fields.pop("like", usual)
        fields.pop("like", None)
        if begun not in RECIPES:
            raise UnknownName("recipe", str(begun), RECIPES)
        given = {key: value for key, value in changes.items() if value is not None}
        told = given if name else fields | given  # a recipe that is named begins anew
        if told.get("epochs") is not None and "steps" not in (given if "epochs" in given else told):
            told["steps"] = None
        return _valid(Recipe, RECIPES[begun].model_dump() | told, "recipe")


def read_recipe_file(path: str | Path) -> RecipeFile:
    """The training that a file describes.

    Raises:
        StudentError: the file is missing, is neither TOML nor JSON, or says something else than a training.
    """
    file = _of_a_kind(Path(path))
    try:
        text = file.read_text(encoding="utf-8")
        told = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise StudentError(f"The recipe file {str(path)!r} cannot be read: {error}.") from error
    if not isinstance(told, dict):
        raise StudentError(f"The recipe file {str(path)!r} holds a {type(told).__name__}; a table was expected.")
    return _valid(RecipeFile, told, f"recipe file {str(path)!r}")


def write_recipe_file(told: RecipeFile, path: str | Path) -> None:
    """Write a training to a file, as TOML or JSON by the file's name.

    Raises:
        StudentError: the name ends in neither, or the file cannot be written.
    """
    file = _of_a_kind(Path(path))
    said = told.model_dump(exclude_none=True)
    text = _toml(said) if file.suffix == ".toml" else orjson.dumps(said, option=orjson.OPT_INDENT_2).decode() + "\n"
    try:
        write_whole(file, text)
    except OSError as error:
        raise StudentError(f"The recipe file {str(path)!r} cannot be written: {error}.") from error


def _of_a_kind(path: Path) -> Path:
    if path.suffix not in KINDS:
        raise StudentError(f"{str(path)!r} is no recipe file by its name: it must end in {' or '.join(KINDS)}.")
    return path


def _toml(said: Mapping[str, Any]) -> str:
    """Names, numbers and texts, the tables last; a text of JSON is one of TOML as well."""
    plain = [f"{key} = {json.dumps(value)}" for key, value in said.items() if not isinstance(value, dict)]
    tables = [f"\n[{key}]\n{_toml(value)}" for key, value in said.items() if isinstance(value, dict)]
    return "\n".join([*plain, *tables]) + "\n"


def _valid(kind: Any, told: Mapping[str, Any], what: str) -> Any:
    unknown = [key for key in told if key not in kind.model_fields]
    if unknown:
        raise StudentError(f"The {what} has {', '.join(map(repr, unknown))}; known are {', '.join(kind.model_fields)}.")
    try:
        return kind(**told)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"])
        raise StudentError(f"The {what} cannot have {where}={wrong['input']!r}: {wrong['msg']}.") from error

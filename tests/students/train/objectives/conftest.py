from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.students.card import Student
from langdistill.students.train.objectives.sft import sft
from tests.students.train.objectives.foreign import foreign_model
from tests.students.train.objectives.material import ANSWERED, SHORT, learnt


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Student:
    """A student of the lab model that knows the answers."""
    return learnt(tmp_path_factory.mktemp("teacher"), ANSWERED, sft(), SHORT, seed=3)[0]


@pytest.fixture(scope="session")
def foreigner(tmp_path_factory: pytest.TempPathFactory) -> Student:
    """A student that knows them, too, with another tokenizer and another chat template."""
    folder = tmp_path_factory.mktemp("foreigner")
    recipe = SHORT.model_copy(update={"adapter": "full", "steps": 60, "batch_size": 12, "learning_rate": 5e-3})
    return learnt(folder, ANSWERED, sft(), recipe, base=foreign_model(folder / "base"))[0]


@pytest.fixture(scope="session")
def foreign(foreigner: Student) -> Path:
    return Path(foreigner.base)

"""What is kept quiet, and what is told to nobody, on the real libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from langdistill.students.libraries import imported
from tests.trained import row, trainer_of

ASKED = (
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_HUB_DISABLE_TELEMETRY",
    "DISABLE_TELEMETRY",
    "DO_NOT_TRACK",
    "CI",
)
"""Variables of the environment that keep the hub's client, or TRL, from telling."""
NOWHERE = "http://127.0.0.1:9"
TOLD = """
from langdistill.students.libraries import imported
tell = imported("huggingface_hub.utils").send_telemetry
tell("trl/SFTTrainer")
print(imported("huggingface_hub.utils._telemetry")._TELEMETRY_THREAD is not None)
"""


def told(code: str, **more: str) -> bool:
    """Whether a new process, whose environment says nothing of it but this, tells the hub of its use."""
    plain = {name: value for name, value in os.environ.items() if name not in ASKED}
    environment = plain | {"HF_ENDPOINT": NOWHERE} | more
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return {"True": True, "False": False}[said.stdout.strip()]


@pytest.mark.parametrize("before", ["", "import huggingface_hub.constants"])
def test_the_hub_is_told_nothing(before: str) -> None:
    assert not told(before + TOLD)


def test_whoever_wants_the_hub_to_be_told_says_so() -> None:
    assert told(TOLD, HF_HUB_DISABLE_TELEMETRY="0")


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_a_trainer_tells_nothing_where_the_client_was_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants, client = imported("huggingface_hub.constants"), imported("huggingface_hub.utils._telemetry")
    for name in ASKED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setattr(constants, "ENDPOINT", NOWHERE)
    monkeypatch.setattr(client, "_TELEMETRY_THREAD", None)
    trainer_of(tmp_path, [row("One and one?", "Two.")])
    assert client._TELEMETRY_THREAD is None

"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("LANGSMITH_TRACING", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

pytest.register_assert_rewrite("langdistill.testing.conformance")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; tests that read it skip, visibly, where it is absent."""
    folder = os.environ.get("LANGDISTILL_DATA")
    if not folder:
        pytest.skip("LANGDISTILL_DATA names no folder of data sets")
    assert Path(folder).is_dir(), f"LANGDISTILL_DATA={folder} is no folder"
    return Path(folder)

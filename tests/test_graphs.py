from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

GRAPHS = Path(__file__).parents[1] / "graphs"

pytestmark = pytest.mark.xdist_group("lab_model")


def test_every_served_graph_answers() -> None:
    served = json.loads((GRAPHS / "langgraph.json").read_text())["graphs"]
    assert len(served) == 3
    for name, place in served.items():
        file, attribute = place.split(":")
        graph = runpy.run_path(str(GRAPHS / file))[attribute]
        asked = {"messages": [("user", 'Take the last letters of the words in "Alan Grace" and concatenate them.')]}
        assert graph.name == name
        assert graph.invoke(asked)["answer"] == "ne"

"""Without an extra, what needs it says the line that installs it; everything else works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
from langdistill.errors import MissingExtra
"""

TRY = """
try:
    {statement}
except MissingExtra as missing:
    print(missing)
"""


def told(hidden: set[str], statement: str, folder: Path) -> str:
    code = HIDE.format(hidden=hidden) + TRY.format(statement=statement)
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, cwd=folder, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


TRAINING = {"torch", "transformers", "trl", "peft", "datasets", "accelerate"}


@pytest.mark.parametrize(
    ("extra", "hidden", "statement"),
    [
        ("train", TRAINING, "from langdistill.lab import lab_model; lab_model().invoke('x')"),
        ("train", TRAINING - {"torch"}, "from langdistill.lab import lab_model; lab_model().invoke('x')"),
        ("train", TRAINING, "from langdistill.lab.pretrain import *; pretrain(Path('m'), Settings(documents=8))"),
        ("agents", {"langchain"}, "from langdistill import *; create_chain_of_thought('openai:gpt-4.1')"),
        ("agents", {"langchain"}, "from langdistill import Think"),
        ("agents", {"langchain_openai"}, "from langdistill import ReasoningChatOpenAI"),
        ("maths", {"math_verify"}, "from langdistill.answers import maths; maths('x')"),
        ("maths", {"antlr4"}, "from langdistill.answers import maths; maths('x')"),
        (
            "report",
            {"jinja2"},
            "from langdistill.evaluation.report import *; write_report({}, Path('r'), command='', versions={})",
        ),
    ],
)
def test_the_line_that_installs_it(extra: str, hidden: set[str], statement: str, tmp_path: Path) -> None:
    assert told(hidden, statement, tmp_path).endswith(f"Install it with: pip install 'langdistill[{extra}]'")


def test_training_without_its_extra(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "train.jsonl").write_text(
        '{"prompt": [{"role": "user", "content": "2 + 2?"}], "completion": [{"role": "assistant", "content": "4"}]}\n'
    )
    (tmp_path / "d" / "manifest.json").write_text('{"hash": ""}')
    statement = "from langdistill.students.train.training import train; from langdistill.lab import WEIGHTS; train('d', WEIGHTS, 's')"
    assert told({"trl"}, statement, tmp_path).endswith("pip install 'langdistill[train]'")
    assert {one.name for one in tmp_path.iterdir()} == {"d"}


def test_a_plain_install_records_and_harvests(tmp_path: Path) -> None:
    everything = TRAINING | {"langchain", "jinja2", "math_verify", "sympy", "vllm", "psycopg", "ray", "numpy"}
    work = """
    from langdistill import *
    from langdistill.testing.models import ScriptedChatModel
    graph = create_self_consistency(ScriptedChatModel(script=lambda messages, at: "Answer: 4"), samples=8)
    with TraceRecorder("t.db") as recorder:
        graph.invoke({"messages": [("user", "2+2?")]})
    recorder.close()
    print(harvest("t.db").filter(agreement()).write("d").manifest["rows"]["train"])"""
    assert told(everything, "pass" + work, tmp_path) == "1"

"""Every agent trace format through import, harvest, filters and output: ``python benchmarks/agent_traces.py FOLDER``.

Of each set of files: the traces, the rows of whole runs, what the filters rejected and why, and what each output format could not
hold. The tool calls of the rows that stay are counted before they are written and after the written files are parsed again; the
two must be equal, call by call, or the script stops. The folder is that of the data sets, or else `LANGDISTILL_DATA`.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from langdistill.datasets.formats.fitting import Unfit, fitted
from langdistill.datasets.formats.openai import openai
from langdistill.datasets.formats.trl_messages import trl_messages
from langdistill.datasets.harvest import Harvest, Harvested, harvest
from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.records import Example, Trace
from langdistill.stores.importing import Imported, find_importer

RESULTS = Path(__file__).with_name("results")
RECORDED = Path(__file__).parents[1] / "tests" / "stores" / "importers"
"""Where the spans of OpenTelemetry lie, which no public set of traces holds."""
MOST_WORDS = 8_000
SETTINGS: dict[str, dict[str, Any]] = {"length": {"max_words": MOST_WORDS}}
FILTERS = ("tool_calls_valid", "no_truncation", "no_fabricated_ending", "no_refusal", "length", "no_exact_duplicates")
OUTPUTS = {"trl_messages": trl_messages(), "openai": openai(drop_reasoning=True)}
"""OpenAI's rows have no place for thinking."""
SOURCES = (
    ("langsmith", "langsmith/*/langsmith_*.json"),
    ("langfuse", "langfuse_traces/*.trace.json"),
    ("otel", "open*.json"),
    ("inspect_ai", "inspect_ai/**/*.json"),
    ("inspect_ai", "inspect_ai/**/*.eval"),
    ("managed_agents", "langsmith/*/anthropic_managed*.jsonl"),
    ("openai_chat", "llamafactory_demo/reason*.jsonl"),
    ("openai_chat", "tau_bench/few_shot/*.jsonl"),
    ("openai_chat", "fireact/gpt_format/*.jsonl"),
    ("sharegpt", "llamafactory_demo/glaive*.json"),
    ("swe_agent", "swe_agent/trajectories/**/*.traj"),
    ("swe_agent", "swe_agent/mini/**/*.json"),
    ("fireact", "fireact/trajs/*.json"),
    ("fireact", "fireact/alpaca_format/*.json"),
    ("toolbench", "toolbench/answer/**/*.json"),
    ("react", "s1_react/*.jsonl"),
)
"""Importer and files; those of `otel` were recorded for the tests."""


def filters() -> list[Filter]:
    """The filters for agents, by the names of their files."""
    modules = ((name, import_module(f"langdistill.filters.{name}")) for name in FILTERS)
    return [getattr(module, name)(**SETTINGS.get(name, {})) for name, module in modules]


def imported(importer: str, files: Iterable[Path]) -> tuple[list[Trace], Imported]:
    """The traces of all the files, and what became of them."""
    became = Imported()
    read = find_importer(importer)
    return [trace for file in files for trace in became.take(read(file))], became


def calls_in(messages: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """Name and arguments of every tool call, arguments as values, read without the package."""
    functions = [call["function"] for message in messages for call in message.get("tool_calls") or ()]
    return [[function["name"], _value(function["arguments"])] for function in functions]


def _value(arguments: Any) -> Any:
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


def run(made: Harvest) -> Harvested:
    """The harvest; an empty one where nothing passed, which is a finding here."""
    try:
        return made.run()
    except DatasetError as error:
        print(f"  {error}")
        return Harvested([], [], [], [])


def taken_out(made: Harvested) -> dict[str, dict[str, Any]]:
    """Filter to how many rows it took out, and why; a problem of several rows counts its reason once."""
    found: dict[str, dict[str, Any]] = {}
    for before, after in pairwise(made.funnel[1:]):
        if rows := before["rows"] - after["rows"]:
            reasons = Counter(after["reasons"]) + Counter(after.get("row_reasons", {}))
            found[after["stage"]] = {"rows": rows, "reasons": dict(reasons.most_common())}
    return found


def written(made: Harvest, examples: list[Example], output: str, folder: Path) -> dict[str, Any]:
    """What an output format holds of the examples, once its file was parsed again."""
    format = OUTPUTS[output]
    unfit: Counter[str] = Counter()
    expected: list[list[list[Any]]] = []
    for example in examples:
        try:
            fitted(format, example)
            expected.append(calls_in([*example.messages, *example.target]))
        except Unfit as error:
            unfit[error.reason] += 1
    found: list[list[list[Any]]] = []
    if expected:
        path = made.write(folder / output, format=format, validation=0).path / "train.jsonl"
        found = [calls_in(format.read(json.loads(line))) for line in path.read_text().splitlines()]
    assert found == expected, f"{output}: the tool calls of the written file differ from those of the harvest"
    return {"rows": len(found), "tool_calls": sum(map(len, found)), "unfit": dict(unfit.most_common())}


def measured(importer: str, pattern: str, files: list[Path]) -> dict[str, Any]:
    """One row of the table."""
    traces, became = imported(importer, files)
    taken = harvest(traces).target(whole_agent())
    made = taken.filter(*filters(), unjudged="keep")
    whole, after = run(taken), run(made)
    before = whole.examples
    lost = taken_out(after)
    assert not after.funnel or sum(one["rows"] for one in lost.values()) == len(before) - len(after.examples)
    with tempfile.TemporaryDirectory() as folder:
        outputs = {output: written(made, after.examples, output, Path(folder)) for output in OUTPUTS}
    unjudged = sum(any(verdict.keep is None for verdict in one.verdicts) for one in after.examples)
    return {
        "importer": importer,
        "files": pattern,
        "traces": became.traces,
        "unmapped": became.reasons,
        "rows": len(before),
        "kept": len(after.examples),
        "unjudged": unjudged,
        "no_row": whole.funnel[1]["reasons"] if whole.funnel else {},
        "taken_out": lost,
        "tool_calls": sum(len(calls_in([*one.messages, *one.target])) for one in after.examples),
        "written": outputs,
    }


def main() -> None:
    data = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["LANGDISTILL_DATA"])
    rows: list[dict[str, Any]] = []
    for importer, pattern in SOURCES:
        files = sorted((RECORDED if importer == "otel" else data).glob(pattern))
        if not files:
            print(f"{importer:15} {pattern}: no such files in {data}")
            continue
        rows.append(measured(importer, pattern, files))
        told = {key: rows[-1][key] for key in ("traces", "rows", "kept", "tool_calls", "taken_out")}
        print(f"{importer:15} {pattern}: {told}", flush=True)
    told = {
        "command": "python benchmarks/agent_traces.py",
        "python": platform.python_version(),
        "filters": [{"name": one.name, **one.params} for one in filters()],
        "rows": rows,
    }
    (RESULTS / "agent_traces.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()

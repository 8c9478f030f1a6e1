from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from rich.console import Console

from langdistill.evaluation.report import table, write_report

ARM = {
    "accuracy": 0.9533,
    "n": 300,
    "interval": [0.9232, 0.972],
    "tokens_per_answer": 3.66,
    "seconds_per_answer": 0.0064,
    "seeds": 1,
}
RESULTS: dict[str, Any] = {
    "letters": {
        "arms": {
            "system1": ARM | {"accuracy": 0.4233},
            "system2": ARM | {"tokens_per_answer": 52.29},
            "distilled": ARM,
        },
        "funnel": [{"stage": "agreement", "kept": 488, "dropped": 12, "reasons": {"tied": 2, "split-vote": 10}}],
        "labels": [
            {
                "rule": "one sample",
                "seed": 0,
                "kept": 500,
                "of": 500,
                "precision": 0.958,
                "interval": [0.93, 0.97],
                "student_accuracy": 0.92,
            }
        ],
        "examples": [{"question": "<script>alert(1)</script> {{ 7 * 7 }}", "target": "a & b"}],
        "warnings": ["does not take <b>here</b>"],
        "planted": "nothing",
    }
}


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "srcset"}]
        if tag not in {"meta", "line", "circle", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_whole_escaped_and_loads_nothing(tmp_path: Path) -> None:
    write_report(RESULTS, tmp_path / "report.html", command="langdistill demo <x>", versions={"torch": "2.13"})
    text = (tmp_path / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert not page.links
    assert "script" not in page.tags
    assert "url(" not in text
    for shown in ("95.3%", "42.3%", "52.3", "300", "split-vote: 10", "95.8%", "488", "&lt;script&gt;", "{{ 7 * 7 }}", "a &amp; b",
                  "does not take &lt;b&gt;", "langdistill demo &lt;x&gt;", "torch 2.13", "nothing"):  # fmt: skip
        assert shown in text, shown
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_terminal_shows_the_same_figures() -> None:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table(RESULTS))
    console.file.close()
    text = console.export_text()
    assert re.search(r"Distilled\s+│\s+95\.3%\s+│\s+92\.3% – 97\.2%\s+│\s+3\.7", text)

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from langdistill.evaluation.search_report import search_page, sentence, write_search_page
from langdistill.evaluation.search_tree import Row, SearchTree
from langdistill.records import Search, Thought
from tests.known_search import KNOWN, chain

VOID = {"meta", "br"}
FIGURE = re.compile(r"<b>(.*?)</b><span>(.*?)</span>")


class Page(HTMLParser):
    """Whether every element is closed, and what hangs on what: the ids of the thoughts around each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.scripts = 0
        self.links: list[str] = []
        self.above: dict[str, list[str]] = {}
        self.classes: dict[str, str] = {}
        self.opened: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.scripts += tag == "script"
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "srcset"}]
        items = [str(one["id"]) for name, one in self.open if name == "li" and "id" in one]
        if tag == "li" and "id" in told:
            self.above[str(told["id"])] = items
            self.classes[str(told["id"])] = told["class"] or ""
        if tag == "details" and "open" in told:
            self.opened.add(items[-1])
        if tag not in VOID:
            self.open.append((tag, told))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag


def page_of(search: Search, question: str = "What is half of 12, plus one?") -> str:
    return search_page(search, name="mutual_reasoning", question=question)


def test_a_search_by_hand_is_read() -> None:
    tree = SearchTree(KNOWN)
    assert tree.children[1] == [2, 3, 4, 8]
    assert tree.depths == [0, 1, 2, 2, 2, 1, 1, 2, 2]
    assert tree.sizes == [9, 5, 1, 1, 1, 1, 2, 1, 1]
    assert tree.path == {0, 1, 2}
    assert tree.verified == {2}
    assert tree.to_verified == {0, 1, 2}
    assert tree.tried == {0, 1, 2, 3, 5}
    assert [tree.mean(at) for at in (0, 2, 3, 5, 6)] == [0.65, 1.0, 0.75, 0.25, None]
    assert list(tree.rows()) == [
        Row(0, 0), Row(1, 1), Row(2, 2), Row(2, 3), Row(2, None, (4, 8)), Row(3, 4), Row(3, 8), Row(1, 5),
        Row(1, None, (6,)), Row(2, 6), Row(3, 7),
    ]  # fmt: skip
    assert [tuple(one) for one in tree.answers] == [
        ("7", 2, 1, 2.0, 3, 4, 1, True),
        ("8", 2, 1, 0.75, 1, 4, 0, False),
        ("13", 1, 1, 0.5, 0, 3, 0, False),
    ]
    assert sentence(tree) == (
        "9 thoughts of 5 rollouts; 5 of them with an answer, 3 of these visited; 3 different answers; a second model completed 3 ways; "
        "verified: 1."
    )


@pytest.mark.parametrize(("agree", "verified"), [(0.0, {2, 3, 5}), (0.25, {2, 3}), (0.75, {2}), (0.76, set())])
def test_what_is_verified_is_a_matter_of_the_share(agree: float, verified: set[int]) -> None:
    assert SearchTree(KNOWN, agree).verified == verified


def test_a_broken_recording_is_shown_all_the_same() -> None:
    thoughts = [
        Thought(action="root", visits=1), Thought(parent=7, text="lost its parent"), Thought(parent=2, text="its own"), Thought(parent=0),
    ]  # fmt: skip
    tree = SearchTree(Search(thoughts=thoughts, chosen=9))
    assert tree.parents == [None, None, None, 0]
    assert tree.chosen is None
    assert {row.thought for row in tree.rows() if row.thought is not None} == {0, 1, 2, 3}
    page = page_of(Search(thoughts=thoughts, chosen=9))
    assert Page(page).above == {"t0": [], "t3": ["t0"], "t1": [], "t2": []}
    assert "No answer was chosen." in page
    assert Page(page_of(Search(thoughts=[]))).above == {}


def test_the_page_is_the_tree() -> None:
    text = page_of(KNOWN)
    page = Page(text)
    tree = SearchTree(KNOWN)
    assert len(page.above) == len(KNOWN.thoughts)
    for at in range(len(KNOWN.thoughts)):
        parent = tree.parents[at]
        assert page.above[f"t{at}"][-1:] == ([] if parent is None else [f"t{parent}"])
    assert page.opened == {"t0", "t1", "t2"}, "the chosen path is open at first"
    marked = {
        mark: {id for id, said in page.classes.items() if mark in said.split()} for mark in ("path", "sure", "cold")
    }
    assert marked == {"path": {"t0", "t1", "t2"}, "sure": {"t0", "t1", "t2"}, "cold": {"t4", "t6", "t7", "t8"}}
    assert text.count(">chosen</span>") == 1
    assert re.findall(r"(\d+) not visited", text) == ["2", "2"]
    assert not page.links
    assert page.scripts == 1
    assert "url(" not in text
    assert "import" not in text


def test_what_hovering_tells() -> None:
    told = re.findall(r'role="tooltip" id="f(\d+)"[^>]*>(.*?)</span></summary>', page_of(KNOWN))
    figures = {int(at): FIGURE.findall(said) for at, said in told}
    assert figures[0] == [("N", "5"), ("Q", "3.25"), ("Q/N", "0.65")]
    assert figures[2] == [
        ("answer", "7"), ("N", "2"), ("Q", "2.00"), ("Q/N", "1.00"), ("reward", "1.00"), ("second model", "verified, 3 of 4 agree"),
    ]  # fmt: skip
    assert figures[3][-1] == ("second model", "not verified, 1 of 4 agree")
    assert figures[8] == [("answer", "8"), ("N", "0"), ("Q", "0.00"), ("Q/N", "–"), ("reward", "0.50")]
    assert sorted(figures) == list(range(9))


def test_what_models_say_is_never_markup() -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7 * 7 }}"
    search = Search(
        thoughts=[Thought(action=nasty, text=nasty, visits=1), Thought(parent=0, text=nasty, answer=nasty, visits=1)],
        chosen=1,
    )
    text = search_page(search, name=nasty, question=nasty)
    page = Page(text)
    assert page.scripts == 1
    assert not page.links
    assert "<img" not in text
    assert "<script>alert" not in text
    assert text.count("{{ 7 * 7 }}") >= 8
    assert "&lt;script&gt;alert(1)" in text


def test_many_thoughts_and_deep_ones() -> None:
    text = page_of(chain(40, beside=49))
    page = Page(text)
    assert len(page.above) == 2001
    assert max(map(len, page.above.values())) == 40
    assert len(text) < 1_500_000
    assert len(Page(page_of(chain(1500))).above) == 1501, "no template or function calls itself"


def test_the_file_is_whole_or_not_there(tmp_path: Path) -> None:
    about = {"name": "g", "question": "half a pair: \ud83d"}
    write_search_page(KNOWN, tmp_path / "page.html", **about)
    assert "half a pair: \\ud83d" in (tmp_path / "page.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(OSError, match="No such file"):
        write_search_page(KNOWN, tmp_path / "none" / "page.html", **about)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]

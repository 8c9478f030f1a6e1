"""The page of a search, used as a person would: in Chromium, by mouse and by keys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langdistill.evaluation.search_report import write_search_page
from langdistill.records import Search
from tests.known_search import KNOWN, chain

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium; it is closed with this module, for no event loop can run beside its driver's."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        assert not os.environ.get("LANGDISTILL_CI"), "install Chromium: these tests must not be skipped here"
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


class Tab:
    """A page that was opened, with all that it asked for and complained of."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.complaints, self.asked = page, list[str](), list[str]()
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(path.as_uri())

    def line(self, index: int) -> Any:
        return self.page.locator(f"#t{index} > details > summary")

    def tip(self, index: int) -> Any:
        return self.page.locator(f"#f{index}")

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name)

    def visible(self, count: int = len(KNOWN.thoughts)) -> set[int]:
        return {at for at in range(count) if self.line(at).is_visible()}


@pytest.fixture
def tab(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a search; afterwards nothing was complained of, and nothing was asked for but the file."""
    opened = list[Tab]()

    def of(search: Search = KNOWN, **more: Any) -> Tab:
        path = tmp_path / f"{len(opened)}.html"
        write_search_page(search, path, name="mutual_reasoning", question="What is half of 12, plus one?")
        opened.append(Tab(browser.new_page(**{"viewport": {"width": 1000, "height": 1400}, **more}), path))
        return opened[-1]

    yield of
    for at, one in enumerate(opened):
        assert one.complaints == []
        assert one.asked == [(tmp_path / f"{at}.html").as_uri()]
        one.page.close()


def test_the_chosen_path_is_open_at_first(tab: Any) -> None:
    assert tab().visible() == {0, 1, 2, 3, 5}, "those that nobody visited are folded away"


def test_folding_by_click(tab: Any) -> None:
    one = tab()
    one.line(1).click()
    assert one.visible() == {0, 1, 5}
    one.line(1).click()
    assert one.visible() == {0, 1, 2, 3, 5}
    one.page.get_by_text("2 not visited").last.click()
    assert one.visible() == {0, 1, 2, 3, 5, 6}


def test_folding_by_keys(tab: Any) -> None:
    one = tab()
    one.line(0).focus()
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.closest('li').id") == "t1"
    one.page.keyboard.press("Enter")
    assert one.visible() == {0, 1, 5}
    one.page.keyboard.press("Space")
    assert one.visible() == {0, 1, 2, 3, 5}
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.closest('li').id") == "t2"


def test_an_open_thought_shows_its_whole_text(tab: Any) -> None:
    one = tab()
    folded = one.line(5).bounding_box()["height"]
    one.line(5).click()
    assert one.line(5).bounding_box()["height"] > 1.5 * folded
    assert "12 + 1 = 13.\nAnswer: 13" in one.line(5).locator(".text").inner_text()


def test_hovering_tells_the_figures(tab: Any) -> None:
    one = tab()
    assert not one.tip(1).is_visible()
    one.line(1).hover()
    one.tip(1).wait_for(state="visible")
    assert one.tip(1).inner_text().split() == ["N", "3", "Q", "2.75", "Q/N", "0.92"]
    one.tip(1).hover()
    assert one.tip(1).is_visible(), "one can go to it"
    one.page.keyboard.press("Escape")
    one.tip(1).wait_for(state="hidden")
    one.line(2).hover()
    one.tip(2).wait_for(state="visible")
    assert "verified, 3 of 4 agree" in one.tip(2).inner_text()
    assert not one.tip(1).is_visible()


def test_keys_tell_the_figures_too(tab: Any) -> None:
    one = tab()
    one.line(1).focus()
    one.page.keyboard.press("Tab")
    one.tip(2).wait_for(state="visible")
    assert not one.tip(1).is_visible()


def test_what_a_screen_reader_is_told(tab: Any) -> None:
    one = tab()
    nodes = one.page.context.new_cdp_session(one.page).send("Accessibility.getFullAXTree")["nodes"]
    told = {
        node["name"]["value"]: node.get("description", {}).get("value", "")
        for node in nodes
        if node["role"]["value"] == "DisclosureTriangle" and node["name"]["value"]
    }
    name, figures = next((name, said) for name, said in told.items() if "chosen" in name)
    for said in ("A2", "6 + 1 = 7.", "answer 7", "3 of 4 agree, verified", "Q/N 1.00", "N 2"):
        assert said in " ".join(name.split()), (said, name)
    assert "reward" in figures
    assert "Q 2.00" not in name, "the description is not said twice"


def test_fold_all_and_unfold_all(tab: Any) -> None:
    one = tab()
    one.button("Fold all").last.click()
    assert one.visible() == {0}
    one.button("Unfold all").click()
    assert one.visible() == set(range(9))


def test_only_verified(tab: Any) -> None:
    one = tab()
    one.button("Fold all").last.click()
    one.button("Only verified (1)").click()
    assert one.visible() == {0, 1, 2}
    assert one.button("Only verified (1)").get_attribute("aria-pressed") == "true"
    one.button("Unfold all").click()
    assert one.visible() == {0, 1, 2}, "the others stay hidden"
    one.button("Only verified (1)").click()
    assert one.visible() == set(range(9))
    assert one.button("Only verified (1)").get_attribute("aria-pressed") == "false"


def test_only_the_chosen_path(tab: Any) -> None:
    one = tab(KNOWN.model_copy(update={"chosen": 5}))
    one.button("Only verified (1)").click()
    one.button("Only the chosen path").click()
    assert one.visible() == {0, 5}
    assert one.button("Only verified (1)").get_attribute("aria-pressed") == "false"


def test_where_nothing_was_chosen_or_verified(tab: Any) -> None:
    thoughts = [one.model_copy(update={"agreed": 0}) for one in KNOWN.thoughts]
    one = tab(Search(thoughts=thoughts))
    assert one.button("Only verified (0)").is_disabled()
    assert one.button("Only the chosen path").is_disabled()
    assert one.visible() == {0, 1, 5}


def test_without_scripts(tab: Any) -> None:
    one = tab(java_script_enabled=False)
    assert not one.button("Fold all").last.is_visible()
    one.line(1).click()
    assert one.visible() == {0, 1, 5}
    one.line(5).hover()
    one.tip(5).wait_for(state="visible")


@pytest.mark.parametrize("width", [360, 1200])
def test_a_deep_tree_keeps_its_room(tab: Any, width: int) -> None:
    one = tab(chain(40), viewport={"width": width, "height": 800})
    assert one.visible(41) == set(range(41))
    text, line = one.line(40).locator(".text").bounding_box(), one.line(40).bounding_box()
    assert text["width"] > 100
    assert line["height"] < 120


def test_figures_stand_in_columns_beside_their_thought(tab: Any) -> None:
    one = tab()
    edges = {
        round(box["x"] + box["width"]) for at in (0, 1, 2, 5) if (box := one.line(at).locator(".mean").bounding_box())
    }
    assert len(edges) == 1
    for at in (0, 1, 2, 5):
        text, mean = (one.line(at).locator(part).bounding_box() for part in (".text", ".mean"))
        assert abs(text["y"] - mean["y"]) < 3


def test_the_dark_page_is_dark(tab: Any) -> None:
    one = tab(color_scheme="dark")
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 31)"

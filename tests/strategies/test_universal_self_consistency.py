from __future__ import annotations

from typing import Any

import pytest

from langdistill import create_universal_self_consistency


def test_the_voter_sees_every_response_by_its_number(saying: Any, asked: Any) -> None:
    model = saying(["A poem\nabout cats.", "A song.", "A poem on cats.", "Reasons.\nMost consistent: Response 3"])
    output = asked(create_universal_self_consistency(model, samples=3), "Write.")
    assert output["messages"][-1].text == "A poem on cats."
    shown = model.prompts[-1][-1].text
    assert "Response 1: A poem\nabout cats.\n\nResponse 2: A song.\n\nResponse 3: A poem on cats." in shown


def test_a_voter_of_its_own(saying: Any, asked: Any) -> None:
    voter = saying(["Response 2"])
    model = saying(["a\nb", "c\nd"])
    assert asked(create_universal_self_consistency(model, samples=2, voter=voter))["messages"][-1].text == "c\nd"
    assert len(model.prompts) == 2


@pytest.mark.parametrize("selection", ["none", "Response 9", ""])
def test_what_cannot_be_read_is_the_first(saying: Any, asked: Any, selection: str) -> None:
    model = saying(["a\nb", "c\nd", selection])
    assert asked(create_universal_self_consistency(model, samples=2))["messages"][-1].text == "a\nb"


def test_one_sample_needs_no_vote(saying: Any, asked: Any) -> None:
    model = saying(["only one"])
    assert asked(create_universal_self_consistency(model, samples=1))["messages"][-1].text == "only one"

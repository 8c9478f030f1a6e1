"""Rows that hold secrets or personal data go, wherever in the row it is, and the verdict does not tell them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from langdistill.filters.no_personal_data import no_personal_data
from langdistill.filters.no_secrets import no_secrets
from langdistill.filters.reading.findings import judged_clean
from langdistill.records import Example
from tests.filters.agents import calls, judged, offers, result, row, said, user

KEY = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT" * 2
MAIL = "anna.berg@fjord-post.no"
PLACES: dict[str, Callable[[str], Example]] = {
    "messages[1]": lambda it: row(said("ok"), messages=[user("Hi"), user(f"It is {it}.")]),
    "target[0]": lambda it: row(said([{"type": "text", "text": f"It is {it}."}])),
    "target[1]": lambda it: row(said(None, calls("look")), result(f'{{"held": "{it}"}}'), said("ok")),
    "tools[0]": lambda it: row(said("ok"), tools=[offers("look", f"Use {it}.")]),
    "rejected[0]": lambda it: row(said("ok"), rejected=[said(f"It is {it}.")]),
    "steps[0]": lambda it: row(said("ok"), steps=[(f"It is {it}.", True)]),
    "privileged": lambda it: row(said("ok"), privileged=f"It is {it}."),
    "reasoning": lambda it: row(said("ok"), reasoning=f"It is {it}."),
    "answer": lambda it: row(said("ok"), answer=it),
}


@pytest.mark.parametrize("place", PLACES)
def test_secrets_by_their_place(place: str) -> None:
    found = judged(no_secrets(), PLACES[place](KEY))
    assert (found.keep, found.reason) == (False, "secret")
    assert found.evidence == {"kinds": {"API_KEY": 1}, "places": [place]}
    assert KEY not in repr(found)
    assert judged(no_secrets(), PLACES[place]("nothing")).reason == "clean"


def test_arguments_of_a_call_and_passwords_in_fields() -> None:
    found = judged(no_secrets(), row(said(None, calls("login", '{"user": "a", "password": "Tr0ub4dor&3x"}'))))
    assert found.evidence == {"kinds": {"PASSWORD": 1}, "places": ["target[0]"]}
    hidden = row(said(None, calls("login", '{"user": "a", "password": "<PASSWORD_1>"}')))
    assert judged(no_secrets(), hidden).keep is True


@pytest.mark.parametrize("place", PLACES)
def test_personal_data_by_its_place(place: str) -> None:
    filter = no_personal_data(entities=["EMAIL_ADDRESS"])
    found = judged(filter, PLACES[place](MAIL))
    assert (found.keep, found.reason) == (False, "personal-data")
    assert found.evidence == {"kinds": {"EMAIL": 1}, "places": [place]}
    assert MAIL not in repr(found)
    assert judged(filter, PLACES[place]("nothing")).reason == "clean"


def test_a_filter_travels_after_it_was_used() -> None:
    filter = no_personal_data(entities=["EMAIL_ADDRESS"])
    judged(filter, PLACES["answer"](MAIL))
    sent = pickle.loads(pickle.dumps(filter))
    assert sent == filter
    assert judged(sent, PLACES["answer"](MAIL)).keep is False
    with pytest.raises(ValueError, match="NOTHING"):
        no_personal_data(entities=["NOTHING"])


def test_a_text_that_a_detector_cannot_read() -> None:
    def broken(text: str) -> Iterable[Any]:
        raise RuntimeError(text)

    found = judged_clean(row(said("x")), [broken], "secret")
    assert (found.keep, found.reason) == (None, "unreadable")

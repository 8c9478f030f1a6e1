from __future__ import annotations

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.unanimous import unanimous
from langdistill.groups import Group, grouped
from langdistill.records import Trace


def asked(*answers: str | None) -> Group:
    output = [{"role": "assistant", "content": "hm\nhm"}]
    [group] = grouped(
        Trace(id=str(at), answer=one, output=output, metadata={"problem": "p"}) for at, one in enumerate(answers)
    )
    return group


@pytest.mark.parametrize(
    ("answers", "keep", "reason"),
    [
        (["1,000", "1000", "$1000"], True, "unanimous"),
        (["a"] * 7 + ["b"], False, "not-unanimous"),
        (["a"] * 7 + [None], False, "not-unanimous"),
        ([None, None], False, "no-answer"),
        (["a"], None, "incomplete"),
    ],
)
def test_unanimous(answers: list[str | None], keep: bool | None, reason: str) -> None:
    verdict = unanimous()(asked(*answers))
    assert (verdict.keep, verdict.reason) == (keep, reason)


def test_min_n() -> None:
    assert unanimous(min_n=1)(asked("a")).keep
    assert unanimous(min_n=8)(asked(*["a"] * 7)).keep is None
    assert unanimous(min_n=8)(asked(*["a"] * 8)).score == 1
    with pytest.raises(DatasetError, match="at least 1"):
        unanimous(min_n=0)

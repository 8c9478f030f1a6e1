from __future__ import annotations

import pytest

from langdistill.errors import UnknownName
from langdistill.filters.agreement import agreement
from langdistill.filters.finding import filter_names, find_filter


def test_filters_are_found_by_their_name() -> None:
    assert filter_names() == ["agreement", "stable_under"]
    assert find_filter("agreement") is agreement
    with pytest.raises(UnknownName, match=r"no filter named 'agreeing'\. Known: agreement, stable_under"):
        find_filter("agreeing")

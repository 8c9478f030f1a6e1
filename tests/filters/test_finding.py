from __future__ import annotations

import pytest

from langdistill.errors import UnknownName
from langdistill.filters.agreement import agreement
from langdistill.filters.finding import filter_names, find_filter


def test_a_filter_is_found_by_the_name_of_its_file() -> None:
    assert {"agreement", "stable_under"} <= set(filter_names())
    assert find_filter("agreement") is agreement
    for name in filter_names():
        assert find_filter(name).__name__ == name
    with pytest.raises(UnknownName, match="agreeing"):
        find_filter("agreeing")

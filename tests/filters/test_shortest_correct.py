from __future__ import annotations

from itertools import permutations

from langdistill.filters.shortest_correct import shortest_correct
from langdistill.groups import Group
from langdistill.records import Example, Message


def row(text: str, answer: str | None, thinking: str = "") -> Example:
    said: Message = {"role": "assistant", "content": text}
    if thinking:
        said["reasoning_content"] = thinking
    return Example(messages=[], target=[said], answer=answer, problem="p", trace="t")


LONG = row("two and two are then four", "4")
SHORT = row("it is four", "4")
THOUGHT = row("four", "4", thinking="two and two are that")
WRONG = row("five", "5")


def kept(*rows: Example, gold: str = "4", **how: object) -> list[Example]:
    group = Group("p", rows=rows)
    verdict = shortest_correct({"p": gold}, **how)(group)  # type: ignore[arg-type]
    assert verdict.keep
    return list(group.after(verdict).rows)


def test_the_shortest_right_row_stays() -> None:
    verdict = shortest_correct({"p": "4.0"})(Group("p", rows=(LONG, WRONG, SHORT, THOUGHT, row("hm", None))))
    assert (verdict.keep, verdict.reason, verdict.score) == (True, "shortest", 3)
    assert verdict.dropped == {0: "longer", 1: "wrong", 3: "longer", 4: "wrong"}
    assert verdict.evidence == {"rows": 5, "right": 3}


def test_thinking_counts() -> None:
    assert kept(THOUGHT, SHORT) == [SHORT]


def test_a_length_of_ones_own() -> None:
    assert kept(row("aaaaaaaaaa", "4"), row("a b c", "4"), length=len) == [row("a b c", "4")]


def test_rows_of_one_length_go_by_their_digest_not_by_their_order() -> None:
    rows = [row(f"it is {one}", "4") for one in ("four", "Four", "FOUR")]
    [winner] = {kept(*order)[0].content for order in permutations(rows)}
    assert winner == min(one.content for one in rows)


def test_nothing_right_and_no_gold() -> None:
    verdict = shortest_correct({"p": "4"})(Group("p", rows=(WRONG,)))
    assert (verdict.keep, verdict.reason) == (False, "wrong")
    verdict = shortest_correct({"q": "4"})(Group("p", rows=(LONG, SHORT)))
    assert (verdict.keep, verdict.reason, verdict.dropped) == (None, "no-gold", {})

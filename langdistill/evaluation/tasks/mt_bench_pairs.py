"""MT-bench: pairs of answers to questions of two turns, with GPT-4's verdicts or people's (Zheng et al., 2306.05685)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langdistill.answers import swapped as other_side
from langdistill.evaluation.tasks.reading.making import Item
from langdistill.evaluation.tasks.reading.pairs import PROMPT, in_both_orders, pair
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="MT-bench",
    file="a file of FastChat's pair verdicts (gpt-4_pair.jsonl), a file of people's votes, or the folder of question.jsonl and model_judgment",
    shape=(
        'verdicts are lines of {"question_id", "g1_user_prompt", "g2_user_prompt", "g1_winner", "g2_winner"}, votes of {"question_id", '
        '"model_a", "model_b", "winner", "turn", "conversation_a", "conversation_b"}'
    ),
    rows="test: a pair for each line of verdicts, or for each pair and turn that people voted on",
    answer="a verdict, GPT-4's or people's",
    categories="the question's: writing, roleplay, reasoning, math, coding, extraction, stem, humanities",
    licence="Apache-2.0; people's votes CC-BY-4.0",
    origin="https://github.com/lm-sys/FastChat, fastchat/llm_judge/data, and https://huggingface.co/datasets/lmsys/mt_bench_human_judgments",
)
WINNERS = {"model_1": "A", "model_2": "B", "model_a": "A", "model_b": "B", "tie": "tie", "tie (inconsistent)": "tie"}


def mt_bench_pairs(
    path: str | Path, *, split: str = "test", limit: int | None = None, seed: int | None = None
) -> TaskSet:
    """MT-bench as a task for judges. The answer is a verdict: A, B or a tie; each pair comes in both orders.

    Of FastChat's pair verdicts (the task's name is then "mt_bench_pairs/gpt-4") each line is a pair, shown as that judge was shown
    it. The gold verdict is the judge's where both orders agree, else a tie, as FastChat counts it. Of people's votes
    ("mt_bench_pairs/human") the votes on one pair and turn make one problem, whose gold verdict is the one most voted for; a tie where no
    verdict leads.

    Args:
        path: the file, or the folder that holds question.jsonl and one file below model_judgment.
        split: "test"; there is no other.
        limit: how many pairs; `None` for all.
        seed: draws them; `None` takes the first ones.

    Raises:
        DatasetError: a file is missing or of another shape.
    """
    SOURCE.check_split(split, "test")
    file = _file(Path(path))
    rows, categories = rows_in(file, SOURCE), _categories(file)
    if "g1_winner" in rows[0].values:
        return _judged(rows, categories, limit, seed)
    return _voted(rows, categories, limit, seed)


def _judged(rows: Sequence[Row], categories: dict[str, str], limit: int | None, seed: int | None) -> TaskSet:
    def item(row: Row) -> Item:
        question = row.text("g1_user_prompt")
        return Item(_id(row), question, _agreed(row), categories.get(row.text("question_id")))

    judge = rows[0].values.get("judge")
    name = str(judge[0] if isinstance(judge, list) and judge else judge)  # pyright: ignore[reportUnknownArgumentType]
    turned = {_id(row): row.text("g2_user_prompt") for row in rows}
    return in_both_orders(
        f"mt_bench_pairs/{name}", rows, item, prompt=PROMPT, limit=limit, seed=seed, shown_swapped=turned
    )


def _id(row: Row) -> str:
    """By line: a file may judge one pair of models twice, on other answers of theirs."""
    return f"mt_bench_pairs-{row.file.stem}-{row.index}"


def _agreed(row: Row) -> str:
    """The verdict of both orders; both are told by model, so the second is not turned."""
    first, second = _winner(row, "g1_winner"), _winner(row, "g2_winner")
    return first if first == second else "tie"


def _winner(row: Row, field: str) -> str:
    told = row.text(field)
    if told not in WINNERS:
        raise row.refused(f"{field} is {told!r}, which is no verdict; leave the line out")
    return WINNERS[told]


def _voted(rows: Sequence[Row], categories: dict[str, str], limit: int | None, seed: int | None) -> TaskSet:
    votes: dict[str, list[str]] = {}
    firsts: dict[str, Row] = {}
    for row in rows:
        told, turned = _pair_of(row)
        winner = _winner(row, "winner")
        votes.setdefault(told, []).append(other_side(winner) or winner if turned else winner)
        firsts.setdefault(told, row)

    def item(row: Row) -> Item:
        told, turned = _pair_of(row)
        asked, one, other = _shown(row)
        question = pair(asked, other, one) if turned else pair(asked, one, other)
        return Item(told, question, _leader(votes[told]), categories.get(row.text("question_id")))

    return in_both_orders("mt_bench_pairs/human", [*firsts.values()], item, prompt=PROMPT, limit=limit, seed=seed)


def _pair_of(row: Row) -> tuple[str, bool]:
    """One id for the votes on a pair and turn, and whether this vote saw the models the other way round."""
    shown_first = row.text("model_a")
    first, second = sorted([shown_first, row.text("model_b")])
    told = f"mt_bench_pairs-{row.text('question_id')}-{first}-{second}-turn{row.text('turn')}"
    return told, shown_first != first


def _leader(votes: Sequence[str]) -> str:
    (best, most), *rest = Counter(votes).most_common()
    return "tie" if rest and rest[0][1] == most else best


def _shown(row: Row) -> tuple[str, str, str]:
    """What the user asked, and what each assistant answered, up to the turn that was judged."""
    turns = row.value("turn")
    if type(turns) is not int or turns < 1:
        raise row.refused(f"turn is {turns!r}, where 1 or 2 was expected")
    (asked, one), (_, other) = _turns(row, "conversation_a", turns), _turns(row, "conversation_b", turns)
    return asked, one, other


def _turns(row: Row, field: str, turns: int) -> tuple[str, str]:
    messages: Any = row.value(field)
    try:
        said = [str(one["content"]) for one in messages[: 2 * turns]]
    except (TypeError, KeyError):
        said = []
    if len(said) != 2 * turns:
        raise row.refused(f"{field} holds no {turns} turns of a user and an assistant")
    return _numbered(said[0::2]), _numbered(said[1::2])


def _numbered(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else "\n\n".join(f"(Turn {at}) {text}" for at, text in enumerate(texts, 1))


def _file(path: Path) -> Path:
    if not path.is_dir():
        return SOURCE.file_at(path)
    found = sorted(path.glob("model_judgment/*_pair.jsonl"))
    if len(found) != 1:
        raise SOURCE.refused(
            f"{str(path)!r} holds {len(found)} files model_judgment/*_pair.jsonl: {', '.join(map(str, found))}. Give one of them."
        )
    return found[0]


def _categories(file: Path) -> dict[str, str]:
    """Question to its category, where question.jsonl is beside the file or above it; without it there are none."""
    places = [folder / "question.jsonl" for folder in (file.parent, file.parent.parent)]
    found = next((place for place in places if place.is_file()), None)
    return {row.text("question_id"): row.text("category") for row in rows_in(found, SOURCE)} if found else {}

"""Rows with a reasoning, for the tests of what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.answers import same
from langdistill.datasets.rows import row_of
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.groups import Group, Rows, candidates
from langdistill.records import Call, Example, Reply, Trace, text_of


def every_reply(group: Group) -> Rows:
    """A row of every reply that has an answer: what stands before its last line is the reasoning."""
    rows: list[Example] = []
    for trace in group.originals:
        for one in candidates(trace, group.extract):
            if one.reply is None or one.call is None or one.answer is None:
                continue
            reasoning = (text_of(one.reply.message) or "").rpartition("\n")[0] or None
            told = {"call": one.call.id, "reasoning": reasoning, "answer": one.answer, "model": one.call.model}
            rows.append(row_of(group, trace.input, [one.reply.message], [trace], **told))
    return Rows(tuple(rows))


@dataclass(frozen=True)
class Right(RowFilter):
    """Keeps rows with the gold answer."""

    gold: dict[str, str]
    supervised = True

    def judge(self, row: Example, group: Group) -> Judgement:
        keep = same(row.answer or "", self.gold[group.problem])
        return Judgement(keep, "right" if keep else "wrong")


def solved(problem: str, *texts: str, hint: str | None = None, **fields: Any) -> Trace:
    """A run that sampled these replies, each in its own call."""
    replies = [Reply(message={"role": "assistant", "content": text}) for text in texts]
    calls = [
        Call(id=f"{problem}-{at}", candidate=True, replies=[one], hint=hint, model="teacher")
        for at, one in enumerate(replies)
    ]
    question = fields.pop("question", f"What is {problem}?")
    metadata = {"problem": problem, **fields.pop("metadata", {})}
    return Trace(
        id=problem, name="g", input=[{"role": "user", "content": question}], calls=calls, metadata=metadata, **fields
    )


def row(problem: str, reasoning: str | None = "Because.", answer: str | None = "4", **fields: Any) -> Example:
    """An example."""
    told: Any = {"messages": [{"role": "user", "content": f"What is {problem}?"}], "trace": f"t-{problem}"} | fields
    target: Any = fields.get("target") or [{"role": "assistant", "content": f"{reasoning}\nAnswer: {answer}"}]
    return Example(**told | {"target": target}, problem=problem, reasoning=reasoning, answer=answer)

"""The prompts of a search in words that the lab model can read: it spells what its corpus lacks in single bytes.

In the package's own wording an action's request takes it about a hundred tokens, and after 250 updates it followed less than half of
them; in these it takes ten. What is asked for is the same.
"""

from __future__ import annotations

from dataclasses import replace

from langdistill.prompts import ANSWER_LINE
from langdistill.search.actions import ACTIONS, START, Grammar

PROMPTS = {
    "A1": START + "Take one step.",
    "A2": START + "Think step by step. " + ANSWER_LINE,
    "A3": START + "Which question is next?",
    "A4": START + "Answer the last question again.",
    "A5": START + "Rephrase the question.",
}
THEN = {"A3": START + "{step}\nAnswer this question."}
MOST = {"A1": 40, "A2": 60, "A3": 48, "A4": 48, "A5": 40}
"""Tokens of a reply; the longest that is right has ten less."""

WORDED = Grammar(
    tuple(replace(one, prompt=PROMPTS[one.id], then=THEN.get(one.id), max_tokens=MOST[one.id]) for one in ACTIONS)
)
COMPLETE = START + "Think step by step to the end. " + ANSWER_LINE
JUDGE = START + "Is each step right?"
"""Answered by a last line that is nothing but "sure" or "impossible"."""

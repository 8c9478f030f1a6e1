"""The prompts of a search in words that the lab model can follow.

What its corpus lacks it spells in single bytes, so that an action's request in the package's own wording takes it a hundred tokens; and it goes
on best from what stands last. In that wording, with the steps before the request, it followed less than half of the requests after 250
updates. Here requests are short and the steps so far come last; what is asked for is the same.
"""

from __future__ import annotations

from dataclasses import replace

from langdistill.prompts import STEP_BY_STEP
from langdistill.search.actions import ACTIONS, Grammar

PROMPTS = {
    "A1": "{question}\nTake one step.\n{so_far}",
    "A2": STEP_BY_STEP + "\n{so_far}",
    "A3": "{question}\nWhich question is next?\n{so_far}",
    "A4": "{question}\nAnswer the last question again.\n{so_far}",
    "A5": "{question}\nRephrase the question.\n{so_far}",
}
THEN = {"A3": "{question}\nAnswer a question.\n{so_far}{step}"}
MOST = {"A1": 24, "A2": 60, "A3": 32, "A4": 32, "A5": 48}
"""Tokens of a reply; the longest that is right has ten less."""

WORDED = Grammar(
    tuple(replace(one, prompt=PROMPTS[one.id], then=THEN.get(one.id), max_tokens=MOST[one.id]) for one in ACTIONS)
)
COMPLETE = STEP_BY_STEP + "\n{so_far}"
JUDGE = "{question}\nIs each step right?\n{so_far}"
"""Answered by a last line that is nothing but "sure" or "impossible"."""

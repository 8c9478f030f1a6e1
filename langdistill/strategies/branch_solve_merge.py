"""Branch-Solve-Merge as a judge of two responses (Saha et al., 2310.15123, section 3)."""

from __future__ import annotations

BRANCH = (
    "Two responses to the request below will be judged. Write up to {limit} criteria to judge them by, "
    'one a line, each as "title: description".\nRequest: {request}'
)
"""Sees the request only, never a response."""

SOLVE = (
    "Judge two responses to a request by one criterion.\nRequest: {request}\nResponse A: {first}\nResponse B: {second}\n"
    "Criterion: {criterion}\n"
    'Evaluate each response, then end with one line that reads "Scores: A=a B=b", each from 1 to 5.'
)
"""One criterion at a time, both responses."""

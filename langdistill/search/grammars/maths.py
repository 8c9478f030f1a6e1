"""The five actions for problems whose answer is calculated (rStar was measured on GSM8K, GSM-Hard, SVAMP and MATH: 2408.06195, section 4)."""

from __future__ import annotations

from langdistill.prompts import ANSWER_LINE
from langdistill.search.actions import START, Grammar

MATHS = Grammar().worded(
    {
        "A1": START
        + "Write the next single step of the solution: one calculation, as an equation with its numbers, and what it is of. Write "
        'nothing after it. If its result is what is asked, end with one line that reads "Answer:" and then only the result.',
        "A2": START
        + "Solve the rest step by step, one calculation a line; do not round before the end. "
        + ANSWER_LINE,
        "A3": START
        + "Which quantity must be found next? Ask for it in one line, and do not calculate it. If nothing is left but what is asked "
        "itself, write: Now we can answer the question.",
        "A4": START
        + "The last result may be wrong. Calculate it again, step by step, from the conditions of the problem. "
        + ANSWER_LINE,
        "A5": START
        + "Rephrase the problem: list each number that is given in a line of its own, with its unit and what it counts, and then "
        "the quantity that is asked. Do not calculate anything.",
    },
    then={"A3": START + "{step}\nCalculate it, one calculation a line. " + ANSWER_LINE},
)
"""For word problems and competition mathematics."""

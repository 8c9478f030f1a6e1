"""The five actions for questions that knowledge of the world decides (rStar was measured on StrategyQA: 2408.06195, section 4)."""

from __future__ import annotations

from langdistill.prompts import ANSWER_LINE
from langdistill.search.actions import START, Grammar

COMMONSENSE = Grammar().worded(
    {
        "A1": START
        + "Write one fact that helps to decide the question, or one thing that follows from the facts so far, in one sentence, and "
        'nothing after it. If it decides the question, end with one line that reads "Answer:" and then only the answer.',
        "A2": START + "Say which facts decide the question and what follows from them, to the end. " + ANSWER_LINE,
        "A3": START
        + "Which fact must be known next to decide the question? Ask for it in one line, and do not answer it. If enough is known, "
        "write: Now we can answer the question.",
        "A4": START
        + "The last fact may be wrong. Say from what else is known whether it holds, and answer its question again. "
        + ANSWER_LINE,
        "A5": START
        + "Rephrase the question: say in a line each who or what it is about, what is claimed or asked of it, and what would have to "
        "be true for each answer. Do not answer it.",
    },
    then={"A3": START + "{step}\nAnswer this in a sentence or two from what is known. " + ANSWER_LINE},
)
"""For questions that are answered by yes or no, by an option, or by a name."""

"""Read, normalise and compare final answers: the only place that parses an answer.

Voting, perturbation checks, filters and evaluation all pass through this package, so two spellings of one answer can never be
told apart in one station and confused in another. "No answer" is `None`: it is never a vote.

An extractor (`Extract`) reads a reply and returns its answer in one spelling for answers of one meaning, or `None`. Every kind of
answer is one: `final_answer` (as written), `number`, `choice`, `yes_no`, `verdict`, `letters`, `json_answer`, `code_block`,
`free_text`, `maths`, `brackets`. docs/answers.md holds the rules and how well they read real replies.
"""

from __future__ import annotations

from langdistill.answers.choices import choice
from langdistill.answers.closing_brackets import brackets
from langdistill.answers.documents import code_block, free_text, json_answer
from langdistill.answers.formulas import maths
from langdistill.answers.joined_letters import letters
from langdistill.answers.judgements import decision, grade, grades, outlook, selection
from langdistill.answers.marked import Extract, final_answer
from langdistill.answers.numbers import number
from langdistill.answers.spelling import normalise, same
from langdistill.answers.streamed import answer_part
from langdistill.answers.verdicts import leading, scores, swapped, verdict
from langdistill.answers.yes_or_no import yes_no

__all__ = [
    "Extract",
    "answer_part",
    "brackets",
    "choice",
    "code_block",
    "decision",
    "final_answer",
    "free_text",
    "grade",
    "grades",
    "json_answer",
    "leading",
    "letters",
    "maths",
    "normalise",
    "number",
    "outlook",
    "same",
    "scores",
    "selection",
    "swapped",
    "verdict",
    "yes_no",
]

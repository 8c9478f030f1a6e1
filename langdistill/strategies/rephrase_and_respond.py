"""Rephrase and Respond (Deng et al., 2311.04205; as a System-2 method: Yu et al., 2407.06023, section 4.2)."""

from __future__ import annotations

from langdistill.prompts import ANSWER_LINE

ONE_STEP = "{question}\nFirst rephrase and expand this question, then respond to it. " + ANSWER_LINE
"""One completion holds both the rephrased question and the response."""

REPHRASE = (
    "Question: {question}\nRephrase and expand the question so that it becomes easier to answer. "
    "Keep everything it tells. Write only the new question."
)
"""Call 1 of the two-step form."""

RESPOND = (
    "(original) {question}\n(rephrased) {rephrased}\n"
    "Use the rephrased question to work out the answer to the original question. " + ANSWER_LINE
)
"""Call 2 of the two-step form: it sees both questions."""

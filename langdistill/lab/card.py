"""The model card that pre-training writes beside the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langdistill.lab.judging import CLOSE, FAVOURS_A
from langdistill.lab.opinion import AGREES
from langdistill.lab.slips import RATE

CARD = """\
---
license: mit
library_name: transformers
pipeline_tag: text-generation
tags: [synthetic, miniature]
---
# The langdistill lab model

A Llama of {parameters:,} parameters, trained from nothing on synthetic chats. It is a fixture on which distillation
of System 2 into System 1 runs for real within minutes on one processor core. It is not evidence about large models.

## How it was made

    python -m langdistill.lab.pretrain --seed {seed} --out DIR

| | |
|---|---|
| seed | {seed} |
| documents | {documents:,} |
| steps | {steps:,} |
| tokens seen, padding included | {tokens:,} |
| seconds, corpus and tokenizer included | {seconds:.0f} |
| PyTorch | {torch} |

Settings: `{settings}`

Every document comes from a template of `langdistill.lab`; no text of anybody else is in it.

## What it can do

It follows the prompts of the package's strategies with their default wording, on five tasks: last-letter
concatenation, coin flip, a question with a wrong opinion, judging two responses, chained arithmetic. For letters,
coin and arithmetic it answers at once, step by step, and by Rephrase and Respond in one call and in two; opinions go
through System 2 Attention, judgements through Branch-Solve-Merge.

## What it cannot do

Anything else. It does not understand wording outside its templates, knows a few capitals and four kinds of things,
and was given at most {context} tokens of context.

## What is planted and what is not

- **Not planted: the gap between System 1 and System 2 on letters, coin and arithmetic.** Direct documents are no
  noisier than reasoned ones: every elementary reading, in every mode, slips through the same function with the same
  probability ({rate:.0%}). They are rare. How rare was chosen; how wide a gap that makes was not.
- **Given: parts of the skill.** The corpus also asks for the last letter of one word, for the number of flips and for
  one step of arithmetic, with the same slips. A distilled student puts together what the model already holds. On coin
  patterns that it never saw, the undistilled System 1 can be below chance: it remembers the seen ones, whose neighbours
  have the other answer.
- **Planted: sycophancy.** {agrees:.0%} of the directly answered questions with an opinion are answered with the
  opinion.
- **Planted: position bias.** Of the direct verdicts on close pairs (at most {close} good items apart), {favours:.0%}
  say A whatever the responses.
- **Planted: slips.** The {rate:.0%} above make single samples err, in all modes alike.
- **Held out.** Names of the pools `train`, `dev` and `final` occur in no document, nor do the coin patterns of `dev`
  and `final`. Countries of these pools occur with their capital and in rewrites, never with an opinion that was
  answered. Judging and arithmetic hold out combinations only.
"""


def model_card(settings: Mapping[str, Any], *, parameters: int, steps: int, tokens: int, seconds: float) -> str:
    """The card of a model that was made with these settings, as Markdown."""
    import torch

    from langdistill.lab.tokenizer import CONTEXT

    return CARD.format(
        seed=settings["seed"],
        documents=settings["documents"],
        settings=json.dumps(dict(settings)),
        parameters=parameters,
        steps=steps,
        tokens=tokens,
        seconds=seconds,
        torch=torch.__version__,
        context=CONTEXT,
        rate=RATE,
        agrees=AGREES,
        close=CLOSE,
        favours=FAVOURS_A,
    )

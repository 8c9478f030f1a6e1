"""Four texts of one reasoned answer: with and without examples in the prompt, with and without the reasoning in the target.

Source: Fu et al., 2301.12726: {in-context, zero-shot} x {chain of thought, answer only}, calculator annotations removed, four
examples drawn at random from the training questions; a batch is of one format, which the column `style` tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from langdistill.datasets.formats.fitting import Unfit
from langdistill.datasets.rendering import Render
from langdistill.datasets.renderings.exemplars import Exemplar, Exemplars
from langdistill.datasets.renderings.wording import Wording, answer_in, question_in, reasoning_in, written
from langdistill.errors import DatasetError
from langdistill.prompts import check, fill
from langdistill.records import Example

STYLES = ("in_context_cot", "zero_shot_cot", "in_context_answer", "zero_shot_answer")
EXEMPLAR = "{prompt}\n{target}"
"""One solved problem in a prompt, worded as a row is."""


@dataclass(frozen=True)
class FourFormats:
    """See `four_formats`."""

    styles: tuple[str, ...]
    shots: int
    seed: int
    wording: Wording
    exemplar: str
    name: str = "four_formats"

    @property
    def params(self) -> dict[str, Any]:
        """Its settings."""
        shown = {"shots": self.shots, "seed": self.seed, "exemplar": self.exemplar} if self._in_context else {}
        return {"styles": list(self.styles), **shown, **self.wording.params}

    def over(self, train: Iterable[Example]) -> Render:
        """Draw the exemplars; what is left is a function of one example."""
        kinds = {style.endswith("_cot") for style in self._in_context}
        return partial(self._rows, {kind: Exemplars(train, reasoned=kind, seed=self.seed) for kind in sorted(kinds)})

    @property
    def _in_context(self) -> list[str]:
        return [style for style in self.styles if style.startswith("in_context")]

    def _rows(self, exemplars: dict[bool, Exemplars], example: Example) -> Iterator[Example | Unfit]:
        for style in self.styles:
            try:
                yield self._row(exemplars, example, style)
            except Unfit as unfit:
                yield unfit

    def _row(self, exemplars: dict[bool, Exemplars], example: Example, style: str) -> Example:
        reasoned = style.endswith("_cot")
        prompt = self.wording.prompt(question_in(example), reasoned=reasoned)
        target = self.wording.target(answer_in(example), reasoning_in(example) if reasoned else None)
        if style in self._in_context:
            shown = [self._shown(one) for one in exemplars[reasoned].for_row(example, self.shots)]
            prompt = "\n\n".join([*shown, prompt])
        return written(example, prompt, target, style, reasoned=reasoned)

    def _shown(self, one: Exemplar) -> str:
        prompt = self.wording.prompt(one.question, reasoned=one.reasoning is not None)
        return fill(self.exemplar, prompt=prompt, target=self.wording.target(one.answer, one.reasoning))


def four_formats(
    *styles: str,
    shots: int = 4,
    seed: int = 0,
    cot: str = Wording.cot,
    direct: str = Wording.direct,
    solution: str = Wording.solution,
    label: str = Wording.label,
    exemplar: str = EXEMPLAR,
) -> FourFormats:
    """Write every example in each of the styles, a row each.

    The exemplars of a row are drawn from the training split, by the row's problem and the seed; its own problem is not among them,
    nor is one made from the same problem. Where there are too few, the row is a reject ("too-few-exemplars"), as is one that lacks
    what its style needs ("no-reasoning", "no-answer").

    Args:
        *styles: which of "in_context_cot", "zero_shot_cot", "in_context_answer" and "zero_shot_answer"; all of them by default.
        shots: how many exemplars an in-context prompt shows (4 in the paper).
        seed: of their draw.
        cot: prompt of a row that reasons, with the place ``{question}``.
        direct: prompt of a row that does not, with the place ``{question}``.
        solution: target of a row that reasons, with the places ``{reasoning}`` and ``{answer}``.
        label: target of a row that does not, with the place ``{answer}``.
        exemplar: one exemplar in a prompt, with the places ``{prompt}`` and ``{target}``, which are worded as a row's; a blank line
            is after each.

    Raises:
        DatasetError: there is no such style, one is named twice, or `shots` is below 1.
        PromptError: a template has other places.
    """
    wanted: Sequence[str] = styles or STYLES
    if unknown := [one for one in wanted if one not in STYLES]:
        raise DatasetError(f"There is no style {unknown[0]!r}. Give any of {', '.join(STYLES)}.")
    if len(set(wanted)) < len(wanted):
        raise DatasetError(f"A style was given twice: {', '.join(wanted)}. Give each at most once.")
    if shots < 1:
        raise DatasetError(
            f"An in-context prompt was to show shots={shots} exemplars. Show at least one, or leave the style out."
        )
    check(exemplar, "prompt", "target")
    return FourFormats(tuple(wanted), shots, seed, Wording(cot, direct, solution, label), exemplar)

"""The divergence of a student from the tokens that its teacher told, KL(teacher || student) over the teacher's top k.

Source: Fu et al., 2301.12726: five tokens, whose probabilities are not renormalised. At one position, with the teacher's p over its
k tokens and the student's q over all of its vocabulary, it is

    sum over k of p log(p / q)

It is 0 where the student is the teacher. The mass P of the k tokens may be below 1, and of the rest nothing is asked: the least
value is P log P, at most 1/e below 0, of a student that gives all its mass to the k tokens in the teacher's proportions. Where the
teacher tells nothing it is the negative log-likelihood of the label.

A vocabulary is far larger than anything else here. None of these functions holds a second array of all positions by all tokens: they
go through the positions in chunks, and overwrite the logits of a chunk by their gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from langdistill.students.libraries import imported

CHUNK_LOGITS = 2**25
"""Logits of a chunk, by default: 128 MiB in float32."""
IGNORED = -100
"""Label of a position that carries no loss."""


def top_k_kl(
    logits: Any, labels: Any, teacher_ids: Any, teacher_probs: Any, weights: Any = None, *, chunk: int | None = None
) -> Any:
    """The sum over positions, from logits.

    The only array of the logits' size that it makes is their gradient.

    Args:
        logits: [b, t, V], floats; those at [i, j] are for the token `labels[i, j]`: shift them before.
        labels: [b, t], integers; -100 where there is no loss.
        teacher_ids: [b, t, k], integers below V; anything below V where the probability is 0.
        teacher_probs: [b, t, k], from 0 to 1; all 0 where the teacher tells nothing, and the label has all the mass.
        weights: [b, t], how much each position counts, or a mask; `None`: each 1.
        chunk: positions at a time.

    Returns:
        A number, in float32, in float64 for logits in float64. Divide it by the number of positions for their mean.
    """
    positions, teacher = _selected(labels, teacher_ids, teacher_probs, weights, _wide(logits))
    rows, columns = positions
    return _from_logits().apply(logits, rows, columns, teacher, chunk or _chunk(logits.shape[-1]))


def head_top_k_kl(
    hidden: Any,
    head: Any,
    labels: Any,
    teacher_ids: Any,
    teacher_probs: Any,
    weights: Any = None,
    *,
    bias: Any = None,
    chunk: int | None = None,
) -> Any:
    """The same from the last hidden states, whose logits are `hidden @ head.T + bias`: all logits are never held at once.

    The gradient is computed with the loss, chunk by chunk, so a chunk's logits are computed once. For a mean, divide the weights and not
    the sum: the gradient then needs no copy to be scaled. Under autocast the products are in its precision; the softmax and all sums
    are in float32 at least.

    Args:
        hidden: [b, t, h], floats; those at [i, j] are for the token `labels[i, j]`.
        head: [V, h], the weight of the output layer; no gradient is computed for it where it needs none, as under LoRA.
        labels: as of `top_k_kl`, and so the next three.
        teacher_ids: [b, t, k].
        teacher_probs: [b, t, k].
        weights: [b, t].
        bias: [V], of the output layer; `None` where it has none.
        chunk: positions at a time.

    Returns:
        As `top_k_kl`.
    """
    torch = imported("torch")
    positions, teacher = _selected(labels, teacher_ids, teacher_probs, weights, _wide(hidden))
    wanted = torch.is_grad_enabled()
    return _from_hidden().apply(hidden[positions], head, bias, teacher, chunk or _chunk(head.shape[0]), wanted)


@dataclass(frozen=True)
class _Teacher:
    """What is taught at n positions."""

    ids: Any
    """[n, k]"""
    probs: Any
    """[n, k]"""
    weights: Any
    """[n, 1]"""

    def chunks(self, size: int) -> Iterator[tuple[slice, _Teacher]]:
        for start in range(0, len(self.ids), size):
            here = slice(start, start + size)
            yield here, _Teacher(self.ids[here], self.probs[here], self.weights[here])


def _selected(labels: Any, ids: Any, probs: Any, weights: Any, dtype: Any) -> tuple[tuple[Any, Any], _Teacher]:
    """The positions that count, and what is taught there."""
    torch = imported("torch")
    weights = torch.ones_like(labels, dtype=dtype) if weights is None else weights.to(dtype)
    weights = weights * (labels != IGNORED)
    rows, columns = weights.nonzero(as_tuple=True)
    labels, ids, probs = labels[rows, columns][:, None], ids[rows, columns], probs[rows, columns].to(dtype)
    silent = probs.sum(-1, keepdim=True) <= 0
    label_alone = torch.zeros_like(probs[:1])
    label_alone[:, :1] = 1
    teacher = _Teacher(
        torch.where(silent, labels, ids), torch.where(silent, label_alone, probs), weights[rows, columns][:, None]
    )
    return (rows, columns), teacher


def _wide(numbers: Any) -> Any:
    torch = imported("torch")
    return torch.promote_types(numbers.dtype, torch.float32)


def _chunk(vocabulary: int) -> int:
    return max(1, CHUNK_LOGITS // vocabulary)


def _summed(logits: Any, teacher: _Teacher, *, gradient: bool) -> Any:
    """The sum over the rows of a chunk; its logits, [n, V], are lost: they become the gradient, where one is wanted."""
    torch = imported("torch")
    mass = teacher.weights * teacher.probs
    picked, highest = logits.gather(-1, teacher.ids), logits.amax(-1, keepdim=True)
    total = logits.sub_(highest).exp_().sum(-1, keepdim=True)
    surplus = teacher.probs.log() - (picked - highest - total.log())
    if gradient:
        logits.mul_(mass.sum(-1, keepdim=True) / total).scatter_add_(-1, teacher.ids, -mass)
    return torch.where(mass == 0, 0, mass * surplus).sum()  # p log p is 0 at 0


@cache
def _from_logits() -> Any:
    torch = imported("torch")

    class FromLogits(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, logits: Any, rows: Any, columns: Any, teacher: _Teacher, chunk: int) -> Any:
            ctx.save_for_backward(logits, rows, columns)
            ctx.teacher, ctx.chunk = teacher, chunk
            parts = (
                _summed(logits[rows[here], columns[here]].to(teacher.probs.dtype), part, gradient=False)
                for here, part in teacher.chunks(chunk)
            )
            return sum(parts, teacher.probs.new_zeros(()))

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, upstream: Any) -> Any:
            logits, rows, columns = ctx.saved_tensors
            found = torch.zeros_like(logits)
            for here, part in ctx.teacher.chunks(ctx.chunk):
                place = rows[here], columns[here]
                some = logits[place].to(part.probs.dtype)
                _summed(some, part, gradient=True)
                found[place] = some.mul_(upstream).to(found.dtype)
                del some  # before the next chunk's are made
            return found, None, None, None, None

    return FromLogits


@cache
def _from_hidden() -> Any:
    torch = imported("torch")

    class FromHidden(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, hidden: Any, head: Any, bias: Any, teacher: _Teacher, chunk: int, wanted: bool) -> Any:
            wants = [wanted and one for one in ctx.needs_input_grad[:3]]
            sums = _Gradients.of((hidden, head, bias), wants, teacher.probs.dtype)
            total = teacher.probs.new_zeros(())
            states, weight, shift = _operands(hidden, head, bias)
            with torch.autocast(hidden.device.type, enabled=False):
                for here, part in teacher.chunks(chunk):
                    logits = torch.nn.functional.linear(states[here], weight, shift).to(part.probs.dtype)
                    total += _summed(logits, part, gradient=any(wants))
                    sums.add(here, logits, states[here], weight)
                    del logits  # before the next chunk's are made
            ctx.save_for_backward(sums.hidden, sums.head, sums.bias)
            ctx.dtypes = [None if one is None else one.dtype for one in (hidden, head, bias)]
            return total

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, upstream: Any) -> Any:
            once = bool(upstream == 1)  # then there is no second array of the weight's size
            found = [
                None if one is None else (one if once else one * upstream).to(dtype)
                for one, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
            ]
            return *found, None, None, None

    return FromHidden


def _operands(hidden: Any, head: Any, bias: Any) -> list[Any]:
    """In the precision that the products are in."""
    torch = imported("torch")
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    return [None if one is None else one.to(dtype) for one in (hidden, head, bias)]


@dataclass(frozen=True)
class _Gradients:
    """Of the hidden states, the output layer's weight and its bias; `None` for what needs none."""

    hidden: Any
    head: Any
    bias: Any

    @classmethod
    def of(cls, values: tuple[Any, ...], wants: list[bool], dtype: Any) -> _Gradients:
        torch = imported("torch")
        return cls(
            *(
                torch.zeros_like(value, dtype=dtype) if wanted else None
                for value, wanted in zip(values, wants, strict=True)
            )
        )

    def add(self, here: slice, logits: Any, states: Any, weight: Any) -> None:
        """Those of a chunk, whose logits have become their gradient."""
        narrow = logits.to(weight.dtype)
        if self.hidden is not None:
            self.hidden[here] = narrow @ weight
        if self.head is not None and self.head.dtype == narrow.dtype:
            self.head.addmm_(narrow.T, states)
        elif self.head is not None:
            self.head.add_(narrow.T @ states)
        if self.bias is not None:
            self.bias.add_(logits.sum(0))

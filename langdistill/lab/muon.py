"""Muon (Jordan et al., 2024): momentum made orthogonal, for the matrices inside the model.

`torch.optim.Muon` does the same in bfloat16, one matrix at a time, which a CPU without bfloat16 arithmetic pays for
with about half as much time again per step. This one stays in float32 and treats all matrices of one shape together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
UPDATE_RMS = 0.2
"""Size of an update relative to the rate, as AdamW's would be (Liu et al., 2502.16982)."""


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest semi-orthogonal matrices, roughly, by Newton-Schulz; shape (count, rows, columns), kept."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = NEWTON_SCHULZ
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon over matrices, all of two dimensions."""

    def __init__(self, matrices: Iterable[torch.nn.Parameter], lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update every matrix by its gradient."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
            for matrix in group["params"]:
                by_shape[matrix.shape].append(matrix)
            for shape, matrices in by_shape.items():
                rate = group["lr"] * UPDATE_RMS * max(shape) ** 0.5
                for matrix, update in zip(
                    matrices, orthogonal(torch.stack([self._moved(m) for m in matrices])), strict=True
                ):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update, alpha=rate)

    def _moved(self, matrix: torch.nn.Parameter) -> torch.Tensor:
        """The gradient with Nesterov momentum."""
        gradient = matrix.grad if matrix.grad is not None else torch.zeros_like(matrix)
        momentum = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
        momentum.lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(momentum, MOMENTUM)

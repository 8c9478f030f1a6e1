"""The top-k divergence beside its definition, written out in Python's own floats."""

from __future__ import annotations

import math
from typing import Any

import pytest

from langdistill.students.train.losses.top_k_kl import head_top_k_kl, top_k_kl

torch = pytest.importorskip("torch")

ROWS, LENGTH, SIZE, VOCABULARY, K = 2, 5, 4, 11, 3


def drawn(dtype: Any = torch.float64) -> dict[str, Any]:
    """A batch with prompts (-100), positions where the teacher tells nothing, a token told alone, and mass that is missing."""
    dice = torch.Generator().manual_seed(3)
    probs = torch.rand(ROWS, LENGTH, K, generator=dice, dtype=torch.float64)
    probs = 0.9 * probs / probs.sum(-1, keepdim=True)
    probs[0, 2] = 0  # nothing is told
    probs[1, 3] = torch.tensor([1.0, 0, 0])
    ids = torch.rand(ROWS, LENGTH, VOCABULARY, generator=dice).argsort(-1)[..., :K]
    labels = torch.randint(VOCABULARY, (ROWS, LENGTH), generator=dice)
    labels[:, 0] = -100
    return {
        "hidden": torch.randn(ROWS, LENGTH, SIZE, generator=dice, dtype=torch.float64).to(dtype),
        "head": torch.randn(VOCABULARY, SIZE, generator=dice, dtype=torch.float64).to(dtype),
        "bias": torch.randn(VOCABULARY, generator=dice, dtype=torch.float64).to(dtype),
        "teacher": (labels, ids, probs),
        "weights": torch.tensor([[1.0] * LENGTH, [0.25] * LENGTH], dtype=torch.float64),
    }


def defined(logits: Any, labels: Any, ids: Any, probs: Any, weights: Any) -> float:
    """Position for position, as the module's docstring says it."""
    total = []
    for row in range(ROWS):
        for at in range(LENGTH):
            if labels[row, at] == -100:
                continue
            scores = logits[row, at].tolist()
            norm = math.log(math.fsum(math.exp(one) for one in scores))
            taught = {int(one): float(p) for one, p in zip(ids[row, at], probs[row, at], strict=True) if p > 0}
            for token, p in (taught or {int(labels[row, at]): 1.0}).items():
                total.append(float(weights[row, at]) * p * (math.log(p) - (scores[token] - norm)))
    return math.fsum(total)


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_both_are_what_the_definition_says(chunk: int) -> None:
    batch = drawn()
    logits = batch["hidden"] @ batch["head"].T + batch["bias"]
    expected = defined(logits, *batch["teacher"], batch["weights"])
    direct = top_k_kl(logits, *batch["teacher"], batch["weights"], chunk=chunk)
    through = head_top_k_kl(batch["hidden"], batch["head"], *batch["teacher"], batch["weights"], bias=batch["bias"], chunk=chunk)  # fmt: skip
    assert float(direct) == pytest.approx(expected, abs=1e-12)
    assert float(through) == pytest.approx(expected, abs=1e-12)


def naive(logits: Any, labels: Any, ids: Any, probs: Any, weights: Any) -> Any:
    """By torch's own operations, for its gradients."""
    log_q = torch.log_softmax(logits, -1)
    kl = torch.where(probs > 0, probs * (probs.clamp(min=1e-300).log() - log_q.gather(-1, ids)), 0.0).sum(-1)
    nll = -log_q.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return (torch.where(probs.sum(-1) > 0, kl, nll) * weights * (labels != -100)).sum()


@pytest.mark.parametrize("chunk", [2, 100])
def test_gradients_are_those_of_torch(chunk: int) -> None:
    batch = drawn()
    leaves = [batch[name].clone().requires_grad_() for name in ("hidden", "head", "bias")]
    wanted = torch.autograd.grad(
        3 * naive(leaves[0] @ leaves[1].T + leaves[2], *batch["teacher"], batch["weights"]), leaves
    )
    found = head_top_k_kl(leaves[0], leaves[1], *batch["teacher"], batch["weights"], bias=leaves[2], chunk=chunk)
    for one, other in zip(wanted, torch.autograd.grad(3 * found, leaves), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-12, atol=1e-12)
    logits = (batch["hidden"] @ batch["head"].T).requires_grad_()
    [wanted] = torch.autograd.grad(3 * naive(logits, *batch["teacher"], batch["weights"]), logits)
    [found] = torch.autograd.grad(3 * top_k_kl(logits, *batch["teacher"], batch["weights"], chunk=chunk), logits)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_gradients_are_the_differences_of_the_values() -> None:
    batch = drawn()
    told = (*batch["teacher"], batch["weights"])
    leaves = tuple(batch[name].requires_grad_() for name in ("hidden", "head", "bias"))
    assert torch.autograd.gradcheck(lambda h, w, b: head_top_k_kl(h, w, *told, bias=b, chunk=3), leaves)
    logits = (batch["hidden"] @ batch["head"].T).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: top_k_kl(z, *told, chunk=3), (logits,))


def test_a_frozen_head_costs_no_gradient_and_no_gradient_is_taken_without_need() -> None:
    batch = drawn()
    hidden = batch["hidden"].requires_grad_()
    loss = head_top_k_kl(hidden, batch["head"], *batch["teacher"])
    assert [one is None for one in loss.grad_fn.saved_tensors] == [False, True, True]
    with torch.no_grad():
        assert not head_top_k_kl(hidden, batch["head"], *batch["teacher"]).requires_grad


def test_the_student_that_is_the_teacher_has_no_divergence_and_the_least_is_p_log_p() -> None:
    logits = torch.randn(1, 6, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    probs, ids = torch.softmax(logits, -1).topk(5)
    labels = ids[..., 0]
    assert float(top_k_kl(logits, labels, ids, probs)) == pytest.approx(0, abs=1e-14)
    mass = probs.sum(-1)
    assert float(mass.max()) < 0.9
    only = torch.full_like(logits, -1e9).scatter(-1, ids, probs.log())
    assert float(top_k_kl(only, labels, ids, probs)) == pytest.approx(float((mass * mass.log()).sum()), abs=1e-12)


def test_what_is_padded_and_what_is_impossible_does_no_harm() -> None:
    """A probability of 0 asks for nothing, not even of a token whose logit is -inf."""
    logits = torch.zeros(1, 1, 4)
    logits[..., 0] = -math.inf
    ids, probs = torch.tensor([[[1, 0]]]), torch.tensor([[[0.5, 0.0]]])
    logits.requires_grad_()
    loss = top_k_kl(logits, torch.tensor([[1]]), ids, probs)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.5 * (math.log(0.5) + math.log(3)))
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision_is_near_the_reference(dtype: Any) -> None:
    batch = drawn(dtype)
    logits = batch["hidden"] @ batch["head"].T + batch["bias"]
    expected = defined(logits.double(), *batch["teacher"], batch["weights"])
    leaves = [batch[name].requires_grad_() for name in ("hidden", "head")]
    found = head_top_k_kl(*leaves, *batch["teacher"], batch["weights"], bias=batch["bias"])
    assert found.dtype == torch.float32
    assert float(found.detach()) == pytest.approx(expected, rel=1e-6 if dtype == torch.float32 else 1e-2)
    assert float(top_k_kl(logits, *batch["teacher"], batch["weights"])) == pytest.approx(expected, rel=1e-6)
    found.backward()
    assert [one.grad.dtype for one in leaves] == [dtype, dtype]


def test_autocast_computes_the_products_in_its_precision() -> None:
    batch = drawn(torch.float32)
    narrow = [batch[name].bfloat16() for name in ("hidden", "head", "bias")]
    expected = head_top_k_kl(narrow[0], narrow[1], *batch["teacher"], bias=narrow[2])
    leaves = [batch[name].requires_grad_() for name in ("hidden", "head", "bias")]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = head_top_k_kl(leaves[0], leaves[1], *batch["teacher"], bias=leaves[2])
    assert float(found.detach()) == float(expected)
    found.backward()
    assert [one.grad.dtype for one in leaves] == [torch.float32] * 3


def test_no_position_is_a_loss_of_0_that_can_be_trained_on() -> None:
    batch = drawn()
    labels, ids, probs = batch["teacher"]
    hidden = batch["hidden"].requires_grad_()
    loss = head_top_k_kl(hidden, batch["head"], torch.full_like(labels, -100), ids, probs)
    loss.backward()
    assert (float(loss.detach()), float(hidden.grad.abs().sum())) == (0.0, 0.0)


def test_a_mask_is_as_good_as_labels_of_minus_100() -> None:
    batch = drawn()
    labels, ids, probs = batch["teacher"]
    mask = labels != -100
    free = torch.where(mask, labels, 0)
    logits = batch["hidden"] @ batch["head"].T
    assert float(top_k_kl(logits, free, ids, probs, mask)) == float(top_k_kl(logits, labels, ids, probs))

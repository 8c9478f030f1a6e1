"""The last hidden states of a language model, for losses that do without the logits of all positions."""

from __future__ import annotations

from typing import Any

from langdistill.students.libraries import imported


def has_linear_head(model: Any) -> bool:
    """Whether a model's logits are its last hidden states through its output layer, and nothing more.

    Some models scale or cap them, or have an adapter on that layer. It is tried on a few tokens.
    """
    torch = imported("torch")
    head = model.get_output_embeddings()
    if type(head) is not torch.nn.Linear:
        return False
    tokens = torch.arange(min(8, head.out_features), device=model.device)[None]
    hook = _backbone(model).register_forward_hook(_louder)
    try:
        with torch.no_grad():
            hidden, logits = last_hidden(model, model, {"input_ids": tokens})
            return torch.allclose(logits, torch.nn.functional.linear(hidden[:, -1:], head.weight, head.bias))
    except (TypeError, AttributeError):  # it takes no `logits_to_keep`, or its backbone gives something else
        return False
    finally:
        hook.remove()


def _louder(_: Any, __: Any, given: Any) -> Any:
    """A cap far above the logits of these tokens would not show."""
    given.last_hidden_state = given.last_hidden_state * 1000
    return given


def last_hidden(model: Any, plain: Any, asked: dict[str, Any]) -> tuple[Any, Any]:
    """The hidden states of the last layer, normed, [b, t, h], and the logits of the last position, [b, 1, V].

    Args:
        model: as it is called, wrapped for several devices, say.
        plain: the same without that wrapper; may have an adapter.
        asked: arguments of the call.
    """
    held: list[Any] = []
    hook = _backbone(plain).register_forward_hook(lambda _, __, given: held.append(given.last_hidden_state))
    try:
        logits = model(**asked, logits_to_keep=1).logits
    finally:
        hook.remove()
    return held[0], logits


def _backbone(model: Any) -> Any:
    """All of a model but its output layer."""
    return (model.get_base_model() if hasattr(model, "get_base_model") else model).base_model

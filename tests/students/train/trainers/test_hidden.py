"""Which models' logits are their last hidden states through their output layer."""

from __future__ import annotations

from typing import Any

import pytest

from langdistill.students.train.trainers.hidden import has_linear_head, last_hidden

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.slow

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "pad_token_id": 0,
}


def made(kind: str, **settings: Any) -> Any:
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(kind, **{**SMALL, **settings})
    return transformers.AutoModelForCausalLM.from_config(config).eval()


@pytest.mark.parametrize(
    ("kind", "settings", "linear"),
    [
        ("llama", {}, True),
        ("qwen2", {"tie_word_embeddings": True}, True),
        ("gemma2", {"final_logit_softcapping": 30.0}, False),
        ("granite", {"logits_scaling": 8.0}, False),
        ("cohere", {"logit_scale": 0.1}, False),
        ("gpt2", {"n_embd": 16, "n_layer": 1, "n_head": 2}, True),
    ],
)
def test_models(kind: str, settings: dict[str, Any], linear: bool) -> None:
    assert has_linear_head(made(kind, **settings)) is linear


def test_the_hidden_states_give_the_logits_with_and_without_an_adapter() -> None:
    from peft import LoraConfig, get_peft_model

    tokens = {"input_ids": torch.arange(12).reshape(2, 6)}
    model = made("llama")
    for one in (model, get_peft_model(model, LoraConfig(target_modules="all-linear", init_lora_weights=False))):
        hidden, logits = last_hidden(one, one, tokens)
        expected = one(**tokens).logits
        torch.testing.assert_close(one.get_output_embeddings()(hidden), expected)
        torch.testing.assert_close(logits, expected[:, -1:])
    assert has_linear_head(one)


def test_an_adapter_on_the_output_layer_is_more_than_a_product() -> None:
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(made("llama"), LoraConfig(target_modules=["lm_head"]))
    assert not has_linear_head(model)

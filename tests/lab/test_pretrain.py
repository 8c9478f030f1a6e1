from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
import transformers

from langdistill.errors import StudentError
from langdistill.lab.draws import chat
from langdistill.lab.pretrain import Encoded, Settings, batches, encode, main, pretrain, rate_factor

SMALL = Settings(documents=600, steps=20, batch_tokens=400, hidden_size=32, intermediate_size=64, layers=2, heads=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrain(tmp_path_factory.mktemp("lab") / "model", SMALL)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_twenty_steps_write_a_model_that_loads_and_speaks(made: Path) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(made, dtype="float32")
    tokenizer = transformers.AutoTokenizer.from_pretrained(made)
    assert tokenizer.padding_side == "left"
    assert model.generation_config.do_sample is False
    asked = [{"role": "user", "content": "Is cat one of the animals?"}]
    ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    said = model.generate(**ids, max_new_tokens=4, max_length=None)
    assert said.shape[1] > ids["input_ids"].shape[1]
    assert all(weight.dtype == torch.float16 for weight in weights(made).values())


def test_the_seed_decides_the_weights(made: Path, tmp_path: Path) -> None:
    again, other = pretrain(tmp_path / "again", SMALL), pretrain(tmp_path / "other", replace(SMALL, seed=1))
    one = weights(made)
    assert all(torch.equal(weight, one[name]) for name, weight in weights(again).items())
    assert not all(torch.equal(weight, one[name]) for name, weight in weights(other).items())


def test_the_card_tells_how_it_was_made_and_what_is_planted(made: Path) -> None:
    card = (made / "README.md").read_text("utf-8")
    for told in (
        "--seed 0",
        "| steps | 20 |",
        "Planted: sycophancy",
        "Planted: position bias",
        "Planted: slips",
        "Held out",
    ):
        assert told in card
    assert "Not planted: the gap between System 1 and System 2 on letters, coin and arithmetic" in card


def test_an_existing_folder_is_left_alone_unless_it_may_be_replaced(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (made / "model.safetensors").stat().st_mtime_ns
    with pytest.raises(StudentError, match="--overwrite"):
        pretrain(made, SMALL)
    assert main(["--out", str(made), "--steps", "1"]) == 2
    assert "exists" in capsys.readouterr().err
    assert (made / "model.safetensors").stat().st_mtime_ns == before
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "stale").touch()
    (tmp_path / "old" / "model.safetensors").touch()
    replaced = pretrain(tmp_path / "old", replace(SMALL, steps=1), overwrite=True)
    assert not (replaced / "stale").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_only_what_the_assistant_says_weighs_fully() -> None:
    from langdistill.lab.tokenizer import build_tokenizer

    tokenizer = build_tokenizer()
    [(ids, weighed)] = encode(tokenizer, [chat("Is cat one of the tools?", "No")], prompt_weight=0.25)
    assert tokenizer.decode([id for id, weight in zip(ids, weighed, strict=True) if weight == 1.0]) == "No<|end|>"
    assert set(weighed) == {0.25, 1.0}


def test_batches_hold_every_document_once_within_the_limit() -> None:
    rng = Random(0)
    encoded = [Encoded([number] * rng.randrange(1, 60), [1.0]) for number in range(500)]
    made = list(batches(encoded, 200, rng, window=100))
    assert sorted(one.ids[0] for batch in made for one in batch) == list(range(500))
    assert all(max(len(one.ids) for one in batch) * len(batch) <= 200 for batch in made)


def test_the_rate_rises_then_falls_to_a_twentieth() -> None:
    factors = [rate_factor(step, 1000, 0.03) for step in range(1000)]
    assert factors[0] < 0.05
    assert max(factors) == pytest.approx(1.0, abs=0.01)
    assert factors[-1] == pytest.approx(0.05, abs=0.001)


def test_muon_makes_matrices_of_either_shape_nearly_orthogonal() -> None:
    from langdistill.lab.muon import orthogonal

    torch.manual_seed(0)
    for shape in ((3, 16, 48), (3, 48, 16)):
        spread = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert spread.min() > 0.5
        assert spread.max() < 1.5

"""Several rows in one sequence, none of which sees another.

TRL packs them (best fit decreasing; no row is cut, for longer ones were refused). Positions begin anew with each row, and
transformers makes a mask of that which keeps rows apart, with any attention that takes a mask: no flash-attention kernel is needed.
Models that carry something else from token to token would mix rows, so it is tried on the model itself before it is trained.
"""

from __future__ import annotations

from typing import Any

from langdistill.errors import StudentError
from langdistill.students.train.materials import imported
from langdistill.students.train.objective import Row

SHOWN = 16
"""Most tokens of a row that the trial looks at."""


def packed(rows: Any, length: int) -> Any:
    """A Hugging Face `Dataset` of rows as one of sequences, with `seq_lengths` of the rows in each.

    Args:
        rows: whose columns are all lists, one value a token.
        length: most tokens of a sequence.
    """
    return imported("trl").pack_dataset(rows, length, "bfd")


def apart(collate: Any) -> Any:
    """TRL's collator of padded batches, for packed sequences: of shape (sequences, tokens), positions in place of a padding mask.

    Every padding token stands at position 0, and is so a row of its own.
    """
    collate.return_position_ids = True

    def collated(rows: list[Row]) -> dict[str, Any]:
        batch = {name: value for name, value in collate(rows).items() if name != "attention_mask"}
        batch["labels"][batch["position_ids"] == 0] = -100  # a row's first token is predicted from nothing of its own
        return batch

    return collated


def check_apart(model: Any, rows: list[Row], pad: int) -> None:
    """Whether a row says the same to this model packed as alone.

    Raises:
        StudentError: it does not: rows see each other.
    """
    torch, collator = imported("torch"), imported("trl.trainer.sft_trainer").DataCollatorForLanguageModeling
    first, second = rows[0]["input_ids"][:SHOWN], rows[-1]["input_ids"][:SHOWN]
    one = {"input_ids": first + second, "labels": first + second, "seq_lengths": [len(first), len(second)]}
    shorter = {"input_ids": second, "labels": second, "seq_lengths": [len(second)]}
    batch = apart(collator(pad_token_id=pad))([one, shorter])
    del batch["labels"]
    was, _ = model.training, model.eval()
    try:
        with torch.no_grad():
            told = model(**batch, use_cache=False).logits[0, len(first) :].float()
            alone = model(input_ids=torch.tensor([second]), use_cache=False).logits[0].float()
    except TypeError:  # it takes no positions
        told, alone = torch.ones(1), torch.zeros(1)
    finally:
        model.train(was)
    if (told - alone).abs().max() > torch.finfo(model.dtype).eps ** 0.5 * alone.abs().max():
        raise StudentError(
            f"{type(model).__name__} cannot be trained on packed rows: they see each other, and each says something else than alone. "
            "Train with packing=False."
        )

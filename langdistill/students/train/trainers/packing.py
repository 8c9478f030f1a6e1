"""Several rows in one sequence, none of which sees another.

TRL packs them (best fit decreasing; no row is cut, for longer ones were refused). Positions begin anew with each row, and
transformers makes a mask of that which keeps rows apart, with any attention that takes a mask: no flash-attention kernel is needed.
Models that carry something else from token to token would mix rows, so it is tried on the model itself before it is trained.
"""

from __future__ import annotations

from typing import Any

from langdistill.errors import StudentError
from langdistill.students.libraries import imported
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
    """Whether a row says the same to this model whatever it is packed with, and as alone.

    Raises:
        StudentError: it does not: rows see each other, or are told from which place in the sequence they are.
    """
    torch = imported("torch")
    first, second = rows[0]["input_ids"][:SHOWN], rows[-1]["input_ids"][:SHOWN]
    was, _ = model.training, model.eval()
    try:
        with torch.no_grad():
            told, other = (_told(model, before, second, pad) for before in (first, first[::-1]))
            alone = model(input_ids=torch.tensor([second], device=model.device), use_cache=False).logits[0].float()
    except TypeError as error:  # it takes no positions
        raise _mixes(model) from error
    finally:
        model.train(was)
    largest, rounding = alone.abs().max(), torch.finfo(model.dtype).eps
    sees, moved = ((told - one).abs().max() / largest for one in (other, alone))
    if sees > 16 * rounding or moved > max(1e-3, 16 * rounding):  # the second compares computations of different shapes
        raise _mixes(model)


def _mixes(model: Any) -> StudentError:
    return StudentError(
        f"{type(model).__name__} cannot be trained on packed rows: they would see each other. Train with packing=False."
    )


def _told(model: Any, before: list[int], row: list[int], pad: int) -> Any:
    """Logits of a row that is packed behind another, in a batch: (tokens, vocabulary)."""
    collator = imported("trl.trainer.sft_trainer").DataCollatorForLanguageModeling
    sequences = [{"input_ids": [*one, *row], "seq_lengths": [len(one), len(row)]} for one in (before, before[1:])]
    batch = apart(collator(pad_token_id=pad))(sequences)
    given = {name: batch[name].to(model.device) for name in ("input_ids", "position_ids")}
    return model(**given, use_cache=False).logits[0, len(before) : len(before) + len(row)].float()

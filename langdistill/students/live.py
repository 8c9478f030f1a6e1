"""A model that is being trained, as a chat model: asked between two steps, without a second copy of its weights."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pydantic import Field

from langdistill.students.decoding import Decoder
from langdistill.students.local import LocalChatModel


class LiveChatModel(LocalChatModel):
    """Asks weights that are in memory already."""

    live: Any = Field(exclude=True, repr=False)
    """A `Decoder` of them."""

    @property
    def decoder(self) -> Decoder:
        """The weights."""
        return self.live


@contextmanager
def asked_live(model: Any, tokenizer: Any, name: str) -> Generator[LiveChatModel]:
    """A model in training as a chat model; afterwards it trains on as if it had not been asked.

    Args:
        model: of `transformers` or `peft`.
        tokenizer: its own.
        name: that it goes by.
    """
    trains = model.training
    decoder = Decoder(model.eval(), tokenizer)
    try:
        with same_random_state():
            yield LiveChatModel(model=name, live=decoder)
    finally:
        decoder.close()
        model.train(trains)


@contextmanager
def same_random_state() -> Generator[None]:
    """Leave the random numbers of what follows as they were."""
    import numpy as np
    import torch

    drawn, array = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        yield
    random.setstate(drawn)
    np.random.set_state(array)

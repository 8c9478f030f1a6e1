"""One loaded model, and the thread that decodes for everybody who asks it.

Requests that come at about the same time are decoded as one batch; that is what makes a thousand questions with eight samples
each fast. A reply nevertheless depends on the weights, the prompt, the parameters, the seed and the sample's index alone,
never on what else was in the batch: a batch holds prompts of one length, so nothing is padded; its rows are filled up to a
multiple of `ROWS`, so every row is computed by the same kernels; and every row draws its own random numbers. Rows that have
ended leave the batch.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any, TypeVar

from langdistill.errors import MissingExtra, StudentError

T = TypeVar("T")

ROWS = 32
"""Rows of a batch are filled up to a multiple of this: for fewer, the matrix kernels sum in another order."""
MOST_ROWS = 256
"""Rows of a batch; more were slower on a processor, whose caches they overflow."""
QUIET = 0.005
"""Seconds without a new request after which a batch is begun."""


@dataclass(frozen=True)
class Request:
    """One prompt, and how to continue it."""

    prompt: tuple[int, ...]
    n: int
    temperature: float
    max_tokens: int
    seed: tuple[int, ...]
    """The seed, followed by the sample path that the request belongs to."""
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    """How many alternatives to tell per token; `None`: no log-probabilities at all."""
    done: Future[list[Decoded]] = field(default_factory=Future, compare=False)


@dataclass
class Decoded:
    """One continuation."""

    tokens: list[int]
    """Generated tokens, the end token included."""
    finished: bool = False
    """Whether it ended by itself."""
    logprobs: list[dict[int, float]] = field(default_factory=list)
    """Per token: its log-probability first, then those of the likeliest alternatives."""


@dataclass
class Row:
    """One row of a batch: a request's reply to be."""

    request: Request
    index: int
    uniforms: Any
    reply: Decoded

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be generated."""
        return self.reply.finished or len(self.reply.tokens) >= self.request.max_tokens


class Decoder:
    """A causal language model in this process, shared by every chat model that names its folder."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """Begin to serve.

        Args:
            model: of `transformers` or `peft`, loaded and in its evaluation mode.
            tokenizer: its own, with a chat template.
        """
        self.model: Any = model
        self.tokenizer: Any = tokenizer
        self.device = self.model.device
        self.context = int(self.model.config.max_position_embeddings)
        ends = self.model.generation_config.eos_token_id
        self.ends = set(ends if isinstance(ends, list) else [ends]) | {self.tokenizer.eos_token_id}
        self.batches = 0
        """Batches decoded so far."""
        self._closed = False
        self._queue: Queue[Request | None] = Queue()
        Thread(target=self._serve, name="langdistill-decoder", daemon=True).start()

    def submit(self, request: Request) -> Future[list[Decoded]]:
        """Have the request decoded with whatever else is waiting.

        Raises:
            StudentError: it was closed.
        """
        if self._closed:
            raise StudentError("This model was let go of: make the chat model anew.")
        self._queue.put(request)
        return request.done

    def close(self) -> None:
        """Stop serving once what is waiting is decoded, and let go of the weights."""
        self._closed = True
        self._queue.put(None)

    def _serve(self) -> None:
        going_on = True
        while going_on:
            waiting = [self._queue.get()]
            while waiting[-1] is not None:
                try:
                    waiting.append(self._queue.get(timeout=QUIET))
                except Empty:
                    break
            going_on = waiting[-1] is not None
            for alike in self._alike([one for one in waiting if one is not None]):
                self._decode_all(alike)
        self.model = None

    def _alike(self, requests: Sequence[Request]) -> Iterator[list[Row]]:
        """Rows of prompts of one length and of one kind, cut into batches."""
        kinds: dict[Any, list[Row]] = defaultdict(list)
        for request in requests:
            kind = (len(request.prompt), request.top_logprobs)
            kinds[kind] += [Row(request, i, _uniforms(request, i), Decoded([])) for i in range(request.n)]
        for rows in kinds.values():
            for start in range(0, len(rows), MOST_ROWS):
                yield rows[start : start + MOST_ROWS]

    def _decode_all(self, rows: list[Row]) -> None:
        requests = {id(row.request): row.request for row in rows}.values()
        try:
            self._decode(rows)
        except BaseException as error:
            for request in requests:
                if not request.done.done():
                    request.done.set_exception(error)
            return
        for row in rows:
            row.request.__dict__.setdefault("_found", {})[row.index] = row.reply
        for request in requests:
            found: dict[int, Decoded] = request.__dict__["_found"]
            if len(found) == request.n and not request.done.done():
                request.done.set_result([found[i] for i in range(request.n)])

    def _decode(self, rows: list[Row]) -> None:
        import torch

        self.batches += 1
        most = min(max(row.request.max_tokens for row in rows), self.context - len(rows[0].request.prompt))
        with torch.inference_mode():
            logits, past = self._read([row.request.prompt for row in rows])
            for step in range(most):
                chosen = self._choose(logits, rows, step)
                for row, token, shares in zip(rows, chosen.tolist(), logits, strict=False):
                    if not row.ended:
                        self._append(row, token, shares)
                going_on = [at for at, row in enumerate(rows) if not row.ended]
                if not going_on:
                    return
                if len(_filled(going_on)) < len(chosen):
                    rows = [rows[at] for at in going_on]
                    kept = torch.tensor(_filled(going_on), device=self.device)
                    past.batch_select_indices(kept)
                    chosen = chosen[kept]
                output = self.model(input_ids=chosen[:, None], past_key_values=past, use_cache=True, logits_to_keep=1)
                logits = output.logits[:, -1].float()

    def _read(self, prompts: list[tuple[int, ...]]) -> tuple[Any, Any]:
        """Next-token logits (rows, vocabulary) and cache after the prompts; a prompt that comes several times is read once."""
        import torch

        distinct = {prompt: at for at, prompt in enumerate(dict.fromkeys(prompts))}
        tokens = torch.tensor(_filled(list(distinct)), device=self.device)
        output = self.model(input_ids=tokens, use_cache=True, logits_to_keep=1)
        rows = torch.tensor(_filled([distinct[prompt] for prompt in prompts]), device=self.device)
        output.past_key_values.batch_select_indices(rows)
        return output.logits[rows, -1].float(), output.past_key_values

    def _choose(self, logits: Any, rows: list[Row], step: int) -> Any:
        """The likeliest token of a greedy row; of a sampled one the token at its own random number."""
        import torch

        chosen = logits.argmax(-1)
        heat = torch.tensor([row.request.temperature for row in _filled(rows)], device=logits.device)
        if not bool((heat > 0).any()):
            return chosen
        shares = (logits.double() / heat.clamp(min=1e-6)[:, None]).softmax(-1).cumsum(-1)
        at = [float(row.uniforms[step]) if len(row.uniforms) > step else 0.0 for row in _filled(rows)]
        points = torch.tensor(at, dtype=torch.double, device=logits.device) * shares[:, -1]
        drawn = torch.searchsorted(shares, points[:, None]).squeeze(-1)
        return torch.where(heat > 0, drawn.clamp(max=logits.shape[-1] - 1), chosen)

    def _append(self, row: Row, token: int, logits: Any) -> None:
        """Add the row's token, and note whether the row has ended."""
        row.reply.tokens.append(token)
        if row.request.top_logprobs is not None:
            shares = logits.log_softmax(-1)
            top = shares.topk(max(row.request.top_logprobs, 1))
            row.reply.logprobs.append(
                {token: float(shares[token])} | dict(zip(top.indices.tolist(), top.values.tolist(), strict=True))
            )
        row.reply.finished = token in self.ends or self._stopped(row)

    def _stopped(self, row: Row) -> bool:
        if not row.request.stop:
            return False
        text = self.tokenizer.decode(row.reply.tokens, skip_special_tokens=True)
        return any(one in text for one in row.request.stop)


def _filled(rows: list[T]) -> list[T]:
    """Rows, the first one repeated up to a multiple of `ROWS`."""
    return rows + rows[:1] * (-len(rows) % ROWS)


def _uniforms(request: Request, index: int) -> Any:
    """A row's random numbers: a function of seed, prompt and sample index."""
    if request.temperature <= 0:
        return ()
    import numpy as np

    key = hashlib.sha256(repr((request.seed, request.prompt, index)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little"))).random(request.max_tokens)


_decoders: dict[tuple[str, str | None, float], Decoder] = {}
_loading = Lock()


def decoder_of(model: str, adapter: str | None) -> Decoder:
    """The decoder of these weights, loaded once per process and again when the adapter's files have changed."""
    changed = Path(adapter or model).stat().st_mtime if Path(adapter or model).exists() else time.time()
    key = (model, adapter, changed)
    with _loading:
        if key not in _decoders:
            _decoders[key] = Decoder(*load(model, adapter))
        return _decoders[key]


@contextmanager
def borrowed(model: str, adapter: str | None) -> Generator[None]:
    """Let go of the weights of a model afterwards, unless they were loaded before: what comes next needs the memory."""
    loaded = _loaded(model, adapter)
    yield
    with _loading:
        for key in _loaded(model, adapter):
            if key not in loaded:
                _decoders.pop(key).close()


def _loaded(model: str, adapter: str | None) -> list[tuple[str, str | None, float]]:
    return [key for key in list(_decoders) if key[:2] == (model, adapter)]


def load(model: str, adapter: str | None) -> tuple[Any, Any]:
    """Weights in float32 (on a GPU where there is one), with the adapter merged, and the tokenizer.

    Raises:
        MissingExtra: torch, transformers or peft is not installed.
        StudentError: a folder is missing, or holds no causal language model, or an adapter of another base.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError as missing:
        raise MissingExtra(missing.name or "torch", "train") from missing
    logging.disable_progress_bar()
    for what, folder, file in (("model", model, "config.json"), ("adapter", adapter, "adapter_config.json")):
        if folder is not None and not (Path(folder) / file).is_file():
            raise StudentError(
                f"There is no {what} in {folder!r}: it holds no {file}. Give the folder of a Hugging Face {what}."
            )
    try:
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
        if adapter is not None:
            from peft import PeftModel

            loaded = PeftModel.from_pretrained(loaded, adapter).merge_and_unload()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise StudentError(f"The model {model!r} with adapter {adapter!r} cannot be loaded: {error}") from error
    if tokenizer.chat_template is None:
        raise StudentError(f"The tokenizer in {model!r} has no chat template; a chat model needs one.")
    placed: Any = loaded
    return placed.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer

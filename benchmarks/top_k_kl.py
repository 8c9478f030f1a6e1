"""Alignment of a teacher's tokens, and memory and time of the top-k divergence: ``python benchmarks/top_k_kl.py``.

The texts are the solutions of GSM8K (`LANGDISTILL_DATA` names the folder), the vocabularies are trained on them. The divergence is
taken beside the one over the whole vocabulary, each in a process of its own: the highest resident memory that the kernel has seen,
less what was resident before, with everything warm that is loaded once. Torch does its arithmetic in one thread, time is that of the
process alone.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

from langdistill.students.train.alignment.aligning import align_top_k
from langdistill.students.train.alignment.vocabulary import Vocabulary

RESULTS = Path(__file__).with_name("results")
ROWS, LENGTH, VOCABULARY, HIDDEN, K = 4, 256, 150_000, 256, 5
STUDENT = "byte-level, 8,000"
TEACHERS = ("SentencePiece-like, 4,000", "byte-level, 16,000", STUDENT)
LENGTHS = (2_000, 8_000, 32_000)
DIFFERING = (250, 500, 1_000)
PASSES, TEXTS = 5, 1_000

Row = tuple[list[str], list[dict[str, float]], str]
"""The teacher's tokens, the log-probabilities of its alternatives, and the text."""


def solutions() -> list[str]:
    lines = (Path(os.environ["LANGDISTILL_DATA"]) / "gsm8k" / "train.jsonl").read_text().splitlines()
    return [json.loads(line)["answer"] for line in lines]


def vocabulary(name: str, texts: list[str]) -> Any:
    """A tokenizer trained on the texts."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    kind, size = name.split(", ")
    byte_level = kind == "byte-level"
    made = Tokenizer(models.BPE(unk_token=None if byte_level else "<unk>"))
    made.pre_tokenizer = (
        pre_tokenizers.ByteLevel(add_prefix_space=False)
        if byte_level
        else pre_tokenizers.Metaspace(prepend_scheme="always")
    )
    trainer = trainers.BpeTrainer(
        vocab_size=int(size.replace(",", "")),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if byte_level else [],
        special_tokens=["<end>"] if byte_level else ["<end>", "<unk>"],
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>")


def told(teacher: Vocabulary, texts: list[str]) -> list[Row]:
    """Each token itself and four others at random."""
    dice, known = Random(0), sorted(teacher.ids)
    masses = [math.log(mass) for mass in (0.6, 0.2, 0.1, 0.05, 0.01)]
    rows: list[Row] = []
    for text in texts:
        tokens = [teacher.text(one) for one in teacher.encode(text)]
        rows.append(
            (tokens, [dict(zip([one, *dice.choices(known, k=4)], masses, strict=True)) for one in tokens], text)
        )
    return rows


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of this process alone, the least of some passes, and what came of it."""
    found, seconds = None, math.inf
    for _ in range(PASSES):
        started = process_time()
        found = work()
        seconds = min(seconds, process_time() - started)
    return seconds, found


def aligned(rows: list[Row], student: Vocabulary, change: Callable[[str], str] = str) -> dict[str, Any]:
    texts = [change(text) for *_, text in rows]

    def work() -> tuple[int, int]:
        found = [align_top_k(*row[:2], student, text=text) for row, text in zip(rows, texts, strict=True)]
        tokens = copied = 0
        for row, text in zip(rows, texts, strict=True):
            found = align_top_k(*row[:2], student, text=text)
            tokens, copied = tokens + len(found.ids), copied + sum(found.copied)
        return tokens, copied

    seconds, (tokens, copied) = timed(work)
    return {
        "texts": len(rows),
        "tokens": tokens,
        "copied": round(copied / tokens, 4),
        "seconds": round(seconds, 3),
        "tokens_per_second": round(tokens / seconds),
    }


def one_text(row: Row, student: Vocabulary, change: Callable[[str], str] = str) -> dict[str, Any]:
    """The same of one text, with its memory, without what is kept for the next."""
    tokens, top, text = row
    found = aligned([row], student, change)
    tracemalloc.start()
    align_top_k(tokens, top, student, text=change(text))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {**found, "bytes": peak}


def of_length(texts: list[str], student: Vocabulary, tokens: int) -> str:
    """Solutions one after another: about as many tokens of the student's."""
    found, count = [], 0
    for text in texts:
        if count >= tokens:
            break
        found.append(text)
        count += len(student.encode(text)) + 1
    return "\n".join(found)


def changed_in_the_middle(text: str) -> str:
    """One word of it is another."""
    words = text.split(" ")
    words[len(words) // 2] = "elsewhere"
    return " ".join(words)


def alignment() -> dict[str, Any]:
    texts = solutions()
    tokenizers = {name: Vocabulary(vocabulary(name, texts)) for name in TEACHERS}
    student, other = tokenizers[STUDENT], TEACHERS[0]
    some = texts[:TEXTS]

    def long(length: int) -> Row:
        [row] = told(tokenizers[other], [of_length(texts, student, length)])
        return row

    return {
        "student": STUDENT,
        "speed": [{"teacher": name, **aligned(told(one, some), student)} for name, one in tokenizers.items()],
        "one_word_differs": {
            "teacher": other,
            **aligned(told(tokenizers[other], some), student, changed_in_the_middle),
        },
        "memory": [one_text(long(length), student) for length in LENGTHS],
        "differs_throughout": [one_text(long(length), student, str.swapcase) for length in DIFFERING],
    }


def full_kl(hidden: Any, head: Any, taught: Any) -> Any:
    """Over the whole vocabulary, as torch has it; the teacher's log-probabilities of all tokens are held beside the student's."""
    import torch

    teacher = torch.full((ROWS, LENGTH, VOCABULARY), -math.log(VOCABULARY))
    log_q = torch.log_softmax(hidden @ head.T, -1)
    return torch.nn.functional.kl_div(log_q, teacher, log_target=True, reduction="sum")


def gathered(hidden: Any, head: Any, taught: Any) -> Any:
    """Over the teacher's tokens, by torch's own operations."""
    import torch

    _, ids, probs = taught
    log_q = torch.log_softmax(hidden @ head.T, -1)
    return (probs * (probs.log() - log_q.gather(-1, ids))).sum()


def from_logits(hidden: Any, head: Any, taught: Any) -> Any:
    from langdistill.students.train.losses.top_k_kl import top_k_kl

    return top_k_kl(hidden @ head.T, *taught)


def from_hidden(hidden: Any, head: Any, taught: Any) -> Any:
    from langdistill.students.train.losses.top_k_kl import head_top_k_kl

    return head_top_k_kl(hidden, head, *taught)


def reference(hidden: Any, head: Any, taught: Any) -> tuple[float, Any]:
    """The loss and its gradient in float64, a few positions at a time."""
    import torch

    _, ids, probs = (one.flatten(0, 1) for one in taught)
    wide, states, total = head.detach().double(), hidden.detach().flatten(0, 1).double().requires_grad_(), 0.0
    for start in range(0, len(states), 16):
        here = slice(start, start + 16)
        p, log_q = probs[here].double(), torch.log_softmax(states[here] @ wide.T, -1)
        loss = (p * (p.log() - log_q.gather(-1, ids[here]))).sum()
        loss.backward()
        total += loss.item()
    return total, states.grad.reshape(hidden.shape)


CONTENDERS = {
    "KL over the whole vocabulary": full_kl,
    "top k, torch's log_softmax": gathered,
    "top_k_kl, from logits": from_logits,
    "head_top_k_kl, from hidden states": from_hidden,
}


def inputs(trained: bool) -> tuple[Any, Any, Any]:
    import torch

    torch.set_num_threads(1)
    dice = torch.Generator().manual_seed(0)
    hidden = torch.randn(ROWS, LENGTH, HIDDEN, generator=dice).requires_grad_()
    head = (torch.randn(VOCABULARY, HIDDEN, generator=dice) / HIDDEN**0.5).requires_grad_(trained)
    ids = torch.randint(VOCABULARY, (ROWS, LENGTH, K), generator=dice)
    probs = 0.95 * torch.softmax(torch.randn(ROWS, LENGTH, K, generator=dice), -1)
    return hidden, head, (ids[..., 0], ids, probs)


def resident(what: str) -> int:
    """Bytes: "VmRSS" now, "VmHWM" at the most since `forget_peak`."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(what))
    return int(line.split()[1]) * 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def one_contender(name: str, trained: bool, gradient: Path) -> dict[str, Any]:
    """Forward and backward, in this process."""
    import torch

    hidden, head, taught = inputs(trained)
    small = head[:64].detach().requires_grad_(trained)
    work = CONTENDERS[name]
    if work is not full_kl:
        work(hidden, small, (taught[0] % 64, taught[1] % 64, taught[2])).backward()
    hidden.grad = None
    forget_peak()
    before, started = resident("VmRSS"), process_time()
    loss = work(hidden, head, taught)
    loss.backward()
    seconds, peak = process_time() - started, resident("VmHWM") - before
    torch.save(hidden.grad, gradient)
    return {"contender": name, "head": "trained" if trained else "frozen", "bytes": peak, "seconds": round(seconds, 2), "loss": loss.item()}  # fmt: skip


def losses() -> dict[str, Any]:
    import torch

    rows: list[dict[str, Any]] = []
    hidden, head, taught = inputs(trained=False)
    exact, wanted = reference(hidden, head, taught)
    with tempfile.TemporaryDirectory() as folder:
        gradient = Path(folder) / "gradient.pt"
        for trained in (False, True):
            for name in CONTENDERS:
                words = [sys.executable, __file__, name, str(int(trained)), str(gradient)]
                row = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
                if name != "KL over the whole vocabulary":
                    found = torch.load(gradient).double()
                    row["error"] = abs(row["loss"] / exact - 1)
                    row["gradient_error"] = float((found - wanted).abs().max() / wanted.abs().max())
                rows.append(row)
                print(row, flush=True)
    return {
        "positions": ROWS * LENGTH,
        "vocabulary": VOCABULARY,
        "hidden": HIDDEN,
        "k": K,
        "bytes_of_all_logits": ROWS * LENGTH * VOCABULARY * 4,
        "reference": exact,
        "rows": rows,
    }


def main() -> None:
    made = {
        "command": "python benchmarks/top_k_kl.py",
        "python": platform.python_version(),
        "torch": version("torch"),
        "tokenizers": version("tokenizers"),
        "alignment": alignment(),
    }
    print(json.dumps(made, indent=1), flush=True)
    made["loss"] = losses()
    (RESULTS / "top_k_kl.json").write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(one_contender(sys.argv[1], sys.argv[2] == "1", Path(sys.argv[3]))))
    else:
        main()

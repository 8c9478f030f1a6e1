"""Last-letter concatenation of 2 to 4 words (Wei et al., 2201.11903; as a System-2 task: Yu et al., 2407.06023)."""

from __future__ import annotations

import re
from random import Random

from langdistill.lab import slips
from langdistill.lab.draws import Document, Task, Telling, chat, reasoning_writers
from langdistill.lab.names import Pool, name, people
from langdistill.perturbations.perturbing import Perturbation

WORDINGS = (
    'Take the last letters of the words in "{words}" and concatenate them.',
    'Take the last letter of each word in "{words}" and join them together.',
    'What do you get when you concatenate the last letters of the words in "{words}"?',
    'Concatenate the last letter of each of these words: "{words}"',
)
"""The first is how questions are drawn; the others are how they are reworded."""

SIZES = (2, 3, 4)
SIZE_WEIGHTS = (5, 3, 2)
"""How many words, and how often; the same in the corpus and in every pool."""

QUOTED = re.compile(r'"([^"]+)"')


def words_of(question: str) -> list[str]:
    """The words whose last letters are asked for."""
    found = QUOTED.search(question)
    if not found:
        raise ValueError(f"Not a last-letter question, it quotes no words: {question!r}")
    return found[1].split()


def truth(question: str) -> str:
    """The last letters, joined, in lower case."""
    return "".join(word[-1] for word in words_of(question)).lower()


def ask(words: list[str], wording: str = WORDINGS[0]) -> str:
    """The question for these words, in a wording."""
    return wording.format(words=" ".join(words))


def draw_words(rng: Random, pool: Pool) -> list[str]:
    """Two to four different names of a pool."""
    return people(rng, pool, rng.choices(SIZES, SIZE_WEIGHTS)[0])


def question(rng: Random, pool: Pool) -> str:
    """A question in the first wording."""
    return ask(draw_words(rng, pool))


def reword(question: str, rng: Random) -> str:
    """The same words in another wording."""
    words = words_of(question)
    return rng.choice([other for wording in WORDINGS if (other := ask(words, wording)) != question])


def last_letter(rng: Random, word: str) -> str:
    """One reading of a word's last letter; a slip takes mostly the letter before it, else any other of the word."""
    letters = list(word.lower())
    return slips.read(rng, letters[-1], [letters[-2]] * len(letters) + letters)


def tell(rng: Random) -> Telling:
    """Words of the corpus, read one a line."""
    words = draw_words(rng, "pretraining")

    def work() -> tuple[str, str]:
        letters = [last_letter(rng, word) for word in words]
        lines = [f'The last letter of "{word}" is "{letter}".' for word, letter in zip(words, letters, strict=True)]
        return "\n".join(lines), "".join(letters)

    listed = ", ".join(f'"{word}"' for word in words)
    rephrased = f"For each of the words {listed} find the last letter, then write these letters together in that order."
    return Telling(ask(words, rng.choice(WORDINGS)), rephrased, work, work)


def ask_one(rng: Random) -> Document:
    """The helper question: a single word, read as in every other mode."""
    word = name(rng, "pretraining")
    return chat(f'What is the last letter of "{word}"?', last_letter(rng, word))


PERTURBATIONS = (Perturbation("reworded", reword),)

TASK = Task("letters", question, truth, PERTURBATIONS, {**reasoning_writers(tell), "one_word": ask_one}, unlabelled=600)

"""Keys that are known by their shape: the words that providers begin them with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from langdistill.recording.privacy.assignments import is_placeholder
from langdistill.recording.privacy.screening import any_of

Seen = tuple[int, int, str]

START = r"(?:(?<![A-Za-z0-9]{0})|(?<=\\[nrt]{0})|(?<=%[0-9A-F]{{2}}{0}))"
"""No letter before what was read so far, except that of an escape."""
END = r"(?![A-Za-z0-9])"


def _word(word: str) -> str:
    """A word that other words end in. It comes first, since an expression that begins with a plain word is found quickly."""
    return word + START.format(word)


SHAPES = (
    ("sk-", r"sk-(?:proj|svcacct|admin|service|ant|or|lf)-[\w-]{16,}"),  # OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse
    ("sk-", _word("sk-") + r"[A-Za-z0-9]{20,}"),
    ("k_live_ k_test_", r"[rs]k_(?:live|test)_[A-Za-z0-9]{10,}"),  # Stripe
    ("sk_", _word("sk_") + r"[0-9a-f]{40,}"),  # ElevenLabs
    ("whsec_", r"whsec_[A-Za-z0-9+/=]{20,}"),
    ("akia", _word("AKIA") + r"[A-Z2-7]{16}" + END),  # Amazon
    ("asia", _word("ASIA") + r"[A-Z2-7]{16}" + END),
    ("aiza", r"AIza[\w-]{35}"),  # Google
    ("gocspx-", r"GOCSPX-[\w-]{20,}"),
    ("ya29.", r"ya29\.[\w-]{20,}"),
    ("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,}"),  # GitHub
    ("github_pat_", r"github_pat_\w{22,}"),
    ("glpat-", r"glpat-[\w-]{20,}"),  # GitLab
    ("xox", r"xox[abeoprs][.-][A-Za-z0-9-]{10,}"),  # Slack
    ("xapp-", r"xapp-\d-[A-Za-z0-9-]{20,}"),
    ("hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/(?P<hidden>[\w/]{20,})"),
    ("hf_", r"hf_[A-Za-z0-9]{30,}"),  # Hugging Face
    ("lsv2_", r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}"),  # LangSmith
    ("npm_", r"npm_[A-Za-z0-9]{36}"),
    ("pypi-", r"pypi-[\w-]{50,}"),
    ("sg.", r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),  # SendGrid
    ("twilio", r"(?i:twilio)[^\n]{0,80}?" + START.format("") + r"(?P<hidden>(?:SK)?[0-9a-f]{32})" + END),
    ("dapi", _word("dapi") + r"[0-9a-f]{32}(?:-\d)?" + END),  # Databricks
    ("_v1_", r"do[opr]_v1_[0-9a-f]{64}"),  # DigitalOcean
    ("hvs. hvb. hvr.", r"hv[sbr]\.[\w-]{20,}"),  # Vault
    ("gsk_", r"gsk_[A-Za-z0-9]{40,}"),  # Groq
    ("xai-", r"xai-[A-Za-z0-9]{60,}"),
    ("pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    ("r8_", _word("r8_") + r"[A-Za-z0-9]{37}" + END),  # Replicate
    ("tvly-", r"tvly-[A-Za-z0-9-]{20,}"),
    ("pcsk_", r"pcsk_\w{40,}"),  # Pinecone
    ("glsa_", r"glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}"),  # Grafana
    ("shpat_ shpss_", r"shp(?:at|ss)_[0-9a-f]{32}"),  # Shopify
    ("7q~ 8q~", START.format("") + r"[\w.-]{3}\dQ~[\w.~-]{31,34}"),  # Azure's applications
    ("age-secret-key-", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    (":aa", START.format("") + r"\d{8,10}:AA[\w-]{33}" + END),  # Telegram
)  # fmt: skip
"""Words one of which the lower-cased key holds, and its shape; the group `hidden` is hidden, or the whole."""

HINTS = tuple(word.encode() for words, _ in SHAPES for word in words.split())
"""Lower-case words one of which is in every text that `provider_keys` finds something in."""
_COMPILED = [(any_of(tuple(word.encode() for word in words.split())), re.compile(shape)) for words, shape in SHAPES]
FEWEST_CHARACTERS = 6
"""A key is drawn from an alphabet; `sk-aaaaaaaaaaaaaaaaaaaaaaaa` is none."""


def provider_keys(text: str) -> Iterator[Seen]:
    """Where a text holds a key that is known by its shape."""
    lowered = text.lower()
    for holds, shape in _COMPILED:
        if not holds(lowered):
            continue
        for match in shape.finditer(text):
            group = "hidden" if "hidden" in shape.groupindex else 0
            if len(set(match[group])) >= FEWEST_CHARACTERS and not is_placeholder(match[group]):
                yield *match.span(group), "API_KEY"

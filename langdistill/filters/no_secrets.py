"""Drop rows that hold a password, a key or a token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.findings import judged_clean
from langdistill.groups import Group
from langdistill.recording.privacy.redaction import Redactor
from langdistill.recording.privacy.secrets import secrets
from langdistill.records import Example


@dataclass(frozen=True)
class NoSecrets(RowFilter):
    """See `no_secrets`."""

    @cached_property
    def _redactor(self) -> Redactor:
        return secrets()

    def judge(self, row: Example, group: Group) -> Judgement:
        """Read everything that a format may write of the row."""
        return judged_clean(row, [self._redactor], "secret")


def no_secrets() -> NoSecrets:
    """Drop rows in which the recorder's rules find a secret ("secret"; `docs/privacy.md` lists them).

    Read are prompt, target, tool calls and their results, schemas, the rejected answer, steps, thinking and what the teacher
    was told. The recorder hides secrets before it writes, so this is for imported traces and for those recorded with that
    switched off. A stand-in such as ``<API_KEY_1>`` is no secret. Evidence holds kinds and places: ``{"kinds": {"API_KEY": 1}, "places":
    ["messages[2]"]}``.
    """
    return NoSecrets()

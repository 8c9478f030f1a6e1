"""Drop rows that hold personal data, as Presidio finds it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.findings import judged_clean
from langdistill.groups import Group
from langdistill.recording.privacy.personal_data import personal_data
from langdistill.recording.privacy.redaction import Redactor
from langdistill.records import Example

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine


@dataclass(frozen=True)
class NoPersonalData(RowFilter):
    """See `no_personal_data`."""

    entities: tuple[str, ...] | None
    language: str
    score: float
    analyzer: Any

    @cached_property
    def _redactor(self) -> Redactor:
        return personal_data(entities=self.entities, language=self.language, score=self.score, analyzer=self.analyzer)

    def __getstate__(self) -> dict[str, Any]:
        """Without the detector, which holds a lock and is made anew on another machine."""
        return {name: held for name, held in vars(self).items() if name != "_redactor"}

    def judge(self, row: Example, group: Group) -> Judgement:
        """Read everything that a format may write of the row."""
        return judged_clean(row, [self._redactor], "personal-data")


def no_personal_data(
    *,
    entities: Collection[str] | None = None,
    language: str = "en",
    score: float = 0.5,
    analyzer: AnalyzerEngine | None = None,
) -> NoPersonalData:
    """Drop rows in which `langdistill.recording.privacy.personal_data` finds something ("personal-data").

    Read is the same as by `no_secrets`, and evidence holds kinds and places alone. Names of persons and places are found only where a
    spaCy model of the language is installed, so the same filter may judge otherwise on a machine with one: name the
    `entities` where that matters.

    Args:
        entities: Presidio's names of what counts; by default what has a pattern (addresses, numbers), and names with a model.
        language: of the texts.
        score: Presidio's confidence from which a finding counts, 0 to 1.
        analyzer: a Presidio analyzer of your own.

    Raises:
        MissingExtra: Presidio is not installed.
        ValueError: nothing installed finds one of the entities.
    """
    found = NoPersonalData(None if entities is None else tuple(sorted(entities)), language, score, analyzer)
    _ = found._redactor  # pyright: ignore[reportPrivateUsage] - its errors belong here, not in the first row
    return found

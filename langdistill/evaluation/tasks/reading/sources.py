"""What a task's file is and where it comes from: what errors and the table of docs/evaluation_tasks.md tell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from langdistill.errors import DatasetError


@dataclass(frozen=True)
class Source:
    """A published file, in words."""

    title: str
    """What people call it: "GSM8K"."""
    file: str
    """What to give: "test.jsonl, or its folder"."""
    shape: str
    """What the file holds, row by row."""
    rows: str
    """How many there are, by split."""
    answer: str
    """What kind of answer is asked for: "a number"."""
    licence: str
    origin: str
    """Repository and path."""
    categories: str = ""
    """What the categories are; empty where there are none."""

    @property
    def told(self) -> str:
        """The sentence that every error ends in."""
        return f"{self.title} is read from {self.file}: {self.shape}. It comes from {self.origin}."

    def refused(self, got: str) -> DatasetError:
        """The error that tells what was got, and what was expected."""
        return DatasetError(f"{got} {self.told}")

    def file_at(self, path: str | Path, *places: str) -> Path:
        """The file, or the first of some places below a folder that is one.

        Raises:
            DatasetError: there is none.
        """
        path = Path(path)
        if path.is_dir():
            found = next((path / place for place in places if (path / place).is_file()), None)
            if not places:
                raise self.refused(f"{str(path)!r} is a folder, where a file was expected.")
            if not found:
                raise self.refused(f"The folder {str(path)!r} holds no {' and no '.join(places)}.")
            return found
        if not path.is_file():
            raise self.refused(f"There is no file or folder {str(path)!r}.")
        return path

    def file_of_split(self, path: str | Path, split: str, files: dict[str, str]) -> Path:
        """The file of a split, which is told by its name.

        Raises:
            DatasetError: there is no such split or file, or the file is another split's.
        """
        self.check_split(split, *files)
        found = self.file_at(path, files[split])
        other = next((one for one, file in files.items() if one != split and file == found.name), None)
        if other:
            raise self.refused(
                f"{str(found)!r} is the {other} split, and {split!r} was asked for. Say split={other!r} to read it."
            )
        return found

    def check_split(self, split: str, *known: str) -> None:
        """Refuse a split that there is not.

        Raises:
            DatasetError: it is none of those known.
        """
        if split not in known:
            raise self.refused(f"There is no split {split!r} of {self.title}, only {', '.join(known)}.")

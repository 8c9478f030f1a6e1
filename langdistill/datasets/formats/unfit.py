"""What is raised where a format cannot hold an example."""

from __future__ import annotations


class Unfit(Exception):
    """An example that a format cannot hold whole; the reason is a slug that rejects are counted by."""

    @property
    def reason(self) -> str:
        """The slug."""
        return str(self.args[0])

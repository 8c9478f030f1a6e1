"""A local model that is asked by several searches of the same questions: what it has replied once it need not decode again."""

from __future__ import annotations

from concurrent.futures import Future

from pydantic import PrivateAttr

from langdistill.students.decoding import Decoded, Decoder, Request
from langdistill.students.local import LocalChatModel


class RememberingChatModel(LocalChatModel):
    """Equal requests get equal replies anyway, so nothing changes but the time. Every reply is counted as often as it is asked for."""

    _known: dict[Request, Future[list[Decoded]]] = PrivateAttr(default_factory=dict[Request, Future[list[Decoded]]])

    def _submit(self, decoder: Decoder, request: Request) -> Future[list[Decoded]]:
        if request not in self._known:
            self._known[request] = super()._submit(decoder, request)
        return self._known[request]

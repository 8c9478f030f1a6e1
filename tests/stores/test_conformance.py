"""The one suite, over every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from langdistill.stores.protocol import Store
from langdistill.stores.sqlite import SQLiteStore
from langdistill.testing.memory import MemoryStore
from langdistill.testing.store_conformance import StoreTests


class TestMemory(StoreTests):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


class TestSQLite(StoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = SQLiteStore(tmp_path / "t.db")
        yield store
        store.close()


@pytest.mark.xdist_group("postgres")
class TestPostgres(StoreTests):
    @pytest.fixture
    def store(self, tables: str) -> Iterator[Store]:
        from langdistill.stores.postgres import PostgresStore

        store = PostgresStore(tables)
        yield store
        store.close()

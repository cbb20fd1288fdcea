"""Every command of these tests begins in an empty directory, with no setting of whoever runs the tests."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("BOT_CONFIG", "BOT_DATABASE", "BOT_TELEGRAM_TOKEN", "BOT_TELEGRAM_API_URL", "BOT_LISTEN"):
        monkeypatch.delenv(name, raising=False)

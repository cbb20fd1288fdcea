"""Small things that a store keeps for the shell: its own facts, and the protocols in use."""

from __future__ import annotations

from abc import ABC, abstractmethod

IS_DEMO = "demo"
"""Whose database it is, said by the clinic that opens it first."""
DEMO_CHANNEL = "demo"
DEMO_FILLED, DEMO_CLEARED = "demo_filled", "cleared"
"""When made-up patients were let in, or that they have been forgotten."""


class Settings(ABC):
    """Small facts of the shell's own."""

    @abstractmethod
    async def get_setting(self, key: str) -> str | None:
        """A small fact of the shell's own, such as a picture's file_id."""

    @abstractmethod
    async def put_setting(self, key: str, value: str) -> None: ...


class Protocols(ABC):
    """Sessions end under the protocol that they began under."""

    @abstractmethod
    async def keep_protocol(self, version: str, sha256: str, content: str) -> None:
        """Keeps a protocol for sessions that began under it. Raises ValueError if the version has other content."""

    @abstractmethod
    async def protocols(self) -> dict[str, str]:
        """Content by version."""

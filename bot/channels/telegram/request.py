"""How we talk to Telegram: python-telegram-bot's request interface over aiohttp, and a Bot that answers in plain JSON.

The address of every request holds the bot's token, so nothing raised or logged here may show an address.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

# The library's own switch to durations instead of numbers; without it every 429 warns of a deprecation.
os.environ.setdefault("PTB_TIMEDELTA", "true")

from telegram import Bot
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

Json = dict[str, Any]

LARGEST_ANSWER = 1_000_000
LARGEST_BATCH = 32_000_000
"""Bytes. A hundred updates of the longest texts, all of it escaped, come to half of it."""

JSON_HEADERS = {"Content-Type": "application/json"}

# At DEBUG the library writes whole messages and the address with the token to the log.
for noisy in ("telegram.Bot", "telegram.request"):
    logging.getLogger(noisy).setLevel(logging.INFO)


class AiohttpRequest(BaseRequest):
    """Requests over one aiohttp session: a quarter of the processor time of the library's own httpx.

    `most_bytes`: of an answer, as it is unpacked; it is never all in memory before that is known.
    """

    __slots__ = ("_connections", "_most_bytes", "_session", "_timeout_s")

    def __init__(self, timeout: timedelta, connections: int, most_bytes: int) -> None:
        self._timeout_s = timeout.total_seconds()
        self._connections, self._most_bytes = connections, most_bytes
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        return self._timeout_s

    async def initialize(self) -> None:
        """The session opens with the first request, whose address says whether a proxy stands in between."""

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
    ) -> tuple[int, bytes]:
        """Status and body. Raises TimedOut or NetworkError; one time limit covers the whole exchange."""
        if self._session is None:
            self._session = self._open(url)
        limit = self._timeout_s if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout
        body, headers = _encoded(request_data)
        try:
            async with self._session.request(
                method, _parsed(url), data=body, headers=headers, timeout=aiohttp.ClientTimeout(total=limit)
            ) as response:
                return response.status, await self._body(response)
        except TelegramError:
            raise
        except TimeoutError:
            raise TimedOut from None
        except Exception as error:
            # Without its cause: aiohttp's errors can name the address, and the address holds the token.
            raise NetworkError(type(error).__name__) from None

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._most_bytes:
                response.close()
                raise NetworkError(f"the server's answer is longer than {self._most_bytes} bytes")
        return bytes(body)

    @staticmethod
    def parse_json_payload(payload: bytes) -> Json:
        """What the library reads of an answer. A success has a result, and what is not the Bot API's has none.

        A gateway's page becomes an empty answer: its words are nobody's business, and may repeat the address.
        """
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):
            return {}
        if not isinstance(answer, dict):
            return {}
        if answer.get("ok") is True:
            return {"result": answer.get("result")}
        refusal = {"description": str, "parameters": dict}
        return {key: answer[key] for key, kind in refusal.items() if isinstance(answer.get(key), kind)}

    def _open(self, url: str) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy_for(url),
        )


class PlainBot(Bot):
    """telegram.Bot with one more method, which takes and gives JSON as it is.

    Building the library's message objects costs more than the request itself, and we read two fields of them.
    """

    __slots__ = ()

    async def call(self, method: str, *, timeout_s: float | None = None, **parameters: Any) -> Any:
        """The result of a Bot API method. Parameters that are None are left out.

        Raises TelegramError and nothing else, whatever was answered: the library reads answers that are as it expects.
        """
        limit = BaseRequest.DEFAULT_NONE if timeout_s is None else timeout_s
        try:
            # What every method of the library's Bot goes through; its own door to it warns of methods that it knows.
            return await self._post(method, parameters, read_timeout=limit)
        except TelegramError as error:
            error.message = error.message.replace(self.token, "<token>")
            raise
        except Exception as error:
            raise TelegramError(f"the server's answer is not the Bot API's ({type(error).__name__})") from None

    async def disconnect(self) -> None:
        """Lets go of connections; a later call opens new ones."""
        for request in self._request:
            await request.shutdown()


def open_bot(token: str, api_url: str, timeout: timedelta) -> PlainBot:
    """A bot on the Bot API at `api_url` (without `/bot`). Polling has its own connection: sends never wait for it."""
    return PlainBot(
        token,
        base_url=f"{api_url.rstrip('/')}/bot",
        base_file_url=f"{api_url.rstrip('/')}/file/bot",
        request=AiohttpRequest(timeout, connections=400, most_bytes=LARGEST_ANSWER),
        get_updates_request=AiohttpRequest(timeout, connections=1, most_bytes=LARGEST_BATCH),
    )


def _encoded(request_data: RequestData | None) -> tuple[bytes | aiohttp.FormData | None, Json | None]:
    if request_data is None:
        return None, None
    if not request_data.contains_files:
        return request_data.json_payload, JSON_HEADERS
    form = aiohttp.FormData(request_data.json_parameters)
    for name, (filename, content, mimetype) in request_data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mimetype)
    return form, None


@lru_cache(maxsize=64)
def _parsed(url: str) -> URL:
    return URL(url, encoded=True)


def _proxy_for(url: str) -> str | None:
    address = urlsplit(url)
    if not address.hostname or proxy_bypass(address.hostname):
        return None
    return getproxies().get(address.scheme)

"""What somebody else has answered in Telegram's place, or might: log-in pages, proxies, broken gateways."""

from __future__ import annotations

from typing import Any

from tests.kit.botapi.server import Answer

UPDATE: dict[str, Any] = {
    "message": {"message_id": 1, "date": 1, "chat": {"id": 42, "type": "private"}, "text": "hi"},
}
NONSENSE = {
    "no result": Answer.of({"ok": True}),
    "not ok": Answer.of({"ok": False, "error_code": 500, "description": "no"}),
    "not ok and yet a result": Answer.of({"ok": False, "result": [{"update_id": 1, **UPDATE}]}),
    "a captive portal in JSON": Answer.of({"error": "captive portal"}),
    "a captive portal in HTML": Answer(b"<html><form action='/log-in'>Room number?</form></html>"),
    "true": Answer.of({"ok": True, "result": True}),
    "an object": Answer.of({"ok": True, "result": {"update_id": 1}}),
    "null": Answer.of({"ok": True, "result": None}),
    "text": Answer.of({"ok": True, "result": "abc"}),
    "numbers": Answer.of({"ok": True, "result": [1, 2]}),
    "nulls": Answer.of({"ok": True, "result": [None]}),
    "lists": Answer.of({"ok": True, "result": [[], [[]]]}),
    "an update without its number": Answer.of({"ok": True, "result": [UPDATE]}),
    "a number in words": Answer.of({"ok": True, "result": [{"update_id": "7", **UPDATE}]}),
    "no number": Answer.of({"ok": True, "result": [{"update_id": None, **UPDATE}]}),
    "true as a number": Answer.of({"ok": True, "result": [{"update_id": True, **UPDATE}]}),
    "a fraction": Answer.of({"ok": True, "result": [{"update_id": 1.5, **UPDATE}]}),
    "a number below nothing": Answer.of({"ok": True, "result": [{"update_id": -1, **UPDATE}]}),
    "a number of thirty digits": Answer.of({"ok": True, "result": [{"update_id": 10**30, **UPDATE}]}),
    "deep nesting": Answer(b"[" * 3000),
    "deep nesting in a result": Answer(b'{"ok": true, "result": ' + b"[" * 3000 + b"]" * 3000 + b"}"),
    "not a number": Answer(b"NaN"),
    "not a number in a result": Answer(b'{"ok": true, "result": [{"update_id": NaN}]}'),
    "five thousand digits": Answer(b'{"ok": true, "result": [{"update_id": ' + b"9" * 5000 + b"}]}"),
    "a list": Answer(b"[]"),
    "nothing": Answer(b""),
    "a null byte": Answer(b"\0"),
    "no text at all": Answer(b"\xff\xfe\x00"),
    "a success without a body": Answer(b"", 204),
    "a redirect to nowhere": Answer(b"", 302),
    "a status that does not exist": Answer(b"{}", 799),
    "parameters that are none": Answer.of({"ok": False, "parameters": [1], "description": {"a": 1}}, 429),
    **{
        f"to be tried again after {after!r}": Answer.of({"ok": False, "parameters": {"retry_after": after}}, 429)
        for after in ("3", "abc", 1e300, 1e12, -5, [1], {"s": 1}, True, None, float("nan"), float("inf"), 3600)
    },
}

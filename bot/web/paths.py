"""Where browsers find what: every path of the chat and the console, by name. Nothing else writes one down."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import HTTPConnection

PATHS = {
    "home": "/",
    "chat": "/chat",
    "chat_new": "/chat/new",
    "chat_seen": "/chat/seen",
    "chat_shown": "/chat/shown.gif",
    "chat_events": "/chat/events",
    "chat_asset": "/chat/static/{name}",
    "worklist": "/console",
    "worklist_rows": "/console/rows",
    "worklist_events": "/console/events",
    "entry": "/console/entries/{session}",
    "entry_live": "/console/entries/{session}/live",
    "entry_act": "/console/entries/{session}/{act}",
    "referral": "/console/entries/{session}/referral",
    "hand_over": "/console/hand-over",
    "timeliness": "/console/timeliness",
    "timeliness_file": "/console/timeliness/{table}.csv",
    "alerts": "/console/alerts",
    "alerts_code": "/console/alerts/code",
    "alerts_test": "/console/alerts/test",
    "alerts_unlink": "/console/alerts/unlink",
    "audit": "/console/audit",
    "audit_file": "/console/audit.csv",
    "audit_verify": "/console/audit/verify",
    "nurses": "/console/nurses",
    "nurse_act": "/console/nurses/{act}",
    "account": "/console/account",
    "account_code": "/console/account/code",
    "account_code_drop": "/console/account/code/drop",
    "account_password": "/console/account/password",
    "sign_in": "/console/sign-in",
    "sign_in_link": "/console/sign-in/{secret}",
    "sign_out": "/console/sign-out",
    "password": "/console/password/{secret}",
    "console_asset": "/console/static/{name}",
}


def page_path(name: str, /, **parts: str) -> str:
    """From the root of the service; links in messages put the clinic's own address before it."""
    return PATHS[name].format_map({key: quote(part, safe="") for key, part in parts.items()})


def root_of(request: HTTPConnection) -> str:
    """The prefix under which a proxy or another application has mounted the service, empty when there is none."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def path_for(request: HTTPConnection, name: str, /, **parts: str) -> str:
    """For links, forms and redirects: as `page_path`, below the prefix."""
    return root_of(request) + page_path(name, **parts)

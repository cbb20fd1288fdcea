"""The console's routes, and what is said when one of them cannot be answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot.clinic.settings import Clinic
from bot.console import alerts, audit, handover, nurses, referral, session, sign_in, timeliness, worklist
from bot.console.accounts import Accounts
from bot.console.actions import ACTS, act
from bot.console.live import OpenPages
from bot.console.pages import ConsolePages
from bot.console.request import Console, Handler, NurseRequest, SignInNeeded, for_nurses
from bot.service.alerts import Alerts
from bot.service.service import Service
from bot.store.console import Desk, Role
from bot.store.reports import Reports
from bot.web.headers import SecurityHeaders
from bot.web.paths import PATHS, path_for

READ_BY_SCRIPT = ("worklist_rows", "worklist_events", "entry_live")
"""What an open page asks for by itself: nobody need be looking, and a page to sign in would not fit in there."""


class ConsoleApp:
    """The nurse's console. `app` answers at the worklist's path and all below it."""

    def __init__(
        self,
        service: Service,
        desk: Desk,
        clinic: Clinic,
        clock: Callable[[], datetime],
        reports: Reports,
        alerts: Alerts | None,
        needs_code: bool = False,
    ) -> None:
        self.accounts = Accounts(desk, clock, needs_code)
        self.console = Console(service, desk, reports, alerts, self.accounts, ConsolePages(clinic), clock)
        self.open_pages = OpenPages(service.signals)
        self.app: ASGIApp = self._build()

    def routes(self) -> list[BaseRoute]:
        """For the application that holds this one."""
        return [Route(f"{PATHS['worklist']}{{rest:path}}", self.app)]

    async def close(self) -> None:
        """Ends the open pages' streams."""
        self.open_pages.close()

    def _build(self) -> ASGIApp:
        routes = [
            *self._worklist(),
            *self._reports(),
            *self._account(),
            Route(PATHS["sign_in"], self._for_anybody(sign_in.sign_in), methods=["GET", "POST"]),
            Route(PATHS["sign_in_link"], self._for_anybody(sign_in.follow)),
            Route(PATHS["password"], self._for_anybody(sign_in.password), methods=["GET", "POST"]),
            Route(PATHS["console_asset"], self.console.pages.assets.serve),
        ]
        wrong: dict[Any, Any] = {SignInNeeded: self._sign_in_first, HTTPException: self._refuse, Exception: self._fail}
        app = Starlette(routes=routes, exception_handlers=wrong)
        return SecurityHeaders(app, "console", {"X-Robots-Tag": "noindex"})

    def _worklist(self) -> list[Route]:
        return [
            self._page("worklist", worklist.worklist),
            self._page("worklist_rows", worklist.rows),
            self._page("worklist_events", self._events),
            self._page("entry", session.page),
            self._page("entry_live", session.live),
            self._page("referral", referral.page),
            *(self._post("entry_act", act(make, done), act=name) for name, (make, done) in ACTS.items()),
        ]

    def _reports(self) -> list[Route]:
        return [
            self._page("hand_over", handover.page),
            self._page("timeliness", timeliness.page),
            self._page("timeliness_file", timeliness.file),
            self._page("audit", audit.page, Role.LEAD),
            self._page("audit_file", audit.file, Role.LEAD),
            self._post("audit_verify", audit.verify, Role.LEAD),
        ]

    def _account(self) -> list[Route]:
        return [
            self._page("alerts", alerts.page),
            self._post("alerts_code", alerts.code),
            self._post("alerts_test", alerts.test),
            self._post("alerts_unlink", alerts.unlink),
            self._page("account", sign_in.account),
            self._post("account_code", sign_in.set_up_code),
            self._post("account_code_drop", sign_in.drop_code),
            self._post("account_password", sign_in.new_password),
            self._post("sign_out", sign_in.sign_out),
            self._page("nurses", nurses.page, Role.ADMINISTRATOR),
            *(self._post("nurse_act", do, Role.ADMINISTRATOR, act=name) for name, do in nurses.ACTS.items()),
        ]

    def _page(self, name: str, handler: Handler, role: Role | None = None) -> Route:
        return Route(PATHS[name], for_nurses(self.console, handler, role, name not in READ_BY_SCRIPT))

    def _post(self, name: str, handler: Handler, role: Role | None = None, act: str = "") -> Route:
        path = PATHS[name].replace("{act}", act)
        return Route(path, for_nurses(self.console, handler, role), methods=["POST"])

    def _for_anybody(
        self, answer: Callable[[Console, Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        return partial(answer, self.console)

    async def _events(self, request: NurseRequest) -> Response:  # noqa: ARG002
        return self.open_pages.stream()

    # --- what it says when it cannot

    async def _sign_in_first(self, request: Request, error: SignInNeeded) -> Response:
        path, about = request.url.path, request.path_params.get("session", "")
        if path in {path_for(request, name, session=about) for name in READ_BY_SCRIPT}:
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        kept = {"next": path + (f"?{request.url.query}" if request.url.query else "")}
        if request.method == "POST":
            texts = {name: error.form[name] for name in ("text", "template") if error.form.get(name)}
            home = path_for(request, "entry", session=about) if about else path_for(request, "worklist")
            kept = {"next": home, "about": about, **texts}
        return sign_in.page(self.console, request, kept, status=401)

    async def _refuse(self, request: Request, error: HTTPException) -> Response:
        return sign_in.notice(self.console, request, error.status_code, error.headers, error.detail)

    async def _fail(self, request: Request, _: Exception) -> Response:
        return sign_in.notice(self.console, request, 500)

"""The console's routes, and what is said when one of them cannot be answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.clinic.settings import Clinic
from bot.console import nurses as staffing
from bot.console import routes as around
from bot.console import session as entry
from bot.console import sign_in as doors
from bot.console import worklist
from bot.console.accounts import Accounts
from bot.console.actions import ACTS, act
from bot.console.live import Bells
from bot.console.pages import ConsolePages
from bot.console.request import Console, Handler, NurseRequest, SignInNeeded, for_nurses
from bot.console.sign_in import Doors
from bot.service.alerts import Alerts
from bot.service.service import Service
from bot.store.console import Desk, Role
from bot.store.reports import Reports
from bot.web.headers import SecurityHeaders


class ConsoleApp:
    """The nurse's console. `app` answers /console and all below it."""

    def __init__(
        self,
        service: Service,
        desk: Desk,
        clinic: Clinic,
        clock: Callable[[], datetime],
        needs_code: bool = False,
        reports: Reports | None = None,
        alerts: Alerts | None = None,
    ) -> None:
        self.accounts = Accounts(desk, clock, needs_code)
        self.console = Console(service, desk, self.accounts, ConsolePages(clinic), clock)
        self.bells = Bells()
        self._doors = Doors(self.console)
        service.on_listed = self.bells.ring
        self.app: ASGIApp = self._build(around.routes(self.console, reports, alerts))

    async def close(self) -> None:
        """Ends the open pages' streams."""
        self.bells.close()

    def _build(self, more: Sequence[Route]) -> ASGIApp:
        routes = [
            *more,
            Route("/console", self._page(worklist.worklist)),
            Route("/console/rows", self._page(worklist.rows, is_sign_of_life=False)),
            Route("/console/events", self._page(self._events, is_sign_of_life=False)),
            Route("/console/entries/{session}", self._page(entry.page)),
            Route("/console/entries/{session}/live", self._page(entry.live, is_sign_of_life=False)),
            *(
                Route(f"/console/entries/{{session}}/{name}", self._page(act(make, done)), methods=["POST"])
                for name, (make, done) in ACTS.items()
            ),
            Route("/console/account", self._page(doors.account)),
            Route("/console/account/code", self._page(doors.set_up_code), methods=["POST"]),
            Route("/console/account/code/drop", self._page(doors.drop_code), methods=["POST"]),
            Route("/console/account/password", self._page(doors.new_password), methods=["POST"]),
            Route("/console/nurses", self._page(staffing.page, Role.ADMINISTRATOR)),
            *(
                Route(f"/console/nurses/{name}", self._page(do, Role.ADMINISTRATOR), methods=["POST"])
                for name, do in staffing.ACTS.items()
            ),
            Route("/console/sign-out", self._page(doors.sign_out), methods=["POST"]),
            Route("/console/sign-in", self._doors.sign_in, methods=["GET", "POST"]),
            Route("/console/sign-in/{secret}", self._doors.follow),
            Route("/console/password/{secret}", self._doors.password, methods=["GET", "POST"]),
            Route("/console/static/{name}", self._static),
        ]
        wrong: dict[Any, Any] = {
            SignInNeeded: self._sign_in_first,
            HTTPException: self._refuse,
            Exception: self._fail,
        }
        return SecurityHeaders(
            Starlette(routes=routes, exception_handlers=wrong), "console", {"X-Robots-Tag": "noindex"}
        )

    def _page(
        self, handler: Handler, role: Role | None = None, is_sign_of_life: bool = True
    ) -> Callable[[Request], Any]:
        return for_nurses(self.console, handler, role, is_sign_of_life)

    async def _events(self, request: NurseRequest) -> Response:  # noqa: ARG002
        return self.bells.stream()

    async def _static(self, request: Request) -> Response:
        asset = self.console.pages.assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        kept = "public, max-age=31536000, immutable" if request.query_params.get("v") == asset.version else "no-cache"
        return Response(asset.body, media_type=asset.media_type, headers={"Cache-Control": kept})

    # --- what it says when it cannot

    async def _sign_in_first(self, request: Request, error: SignInNeeded) -> Response:
        path = request.url.path
        if path.endswith(("/rows", "/events", "/live")):
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        kept = {"next": path + (f"?{request.url.query}" if request.url.query else "")}
        if request.method == "POST":
            about = request.path_params.get("session", "")
            texts = {name: error.form[name] for name in ("text", "template") if error.form.get(name)}
            kept = {"next": f"/console/entries/{about}" if about else "/console", "about": about, **texts}
        return self._doors.page(request, kept, status=401)

    async def _refuse(self, request: Request, error: HTTPException) -> Response:
        return self._doors.notice(request, error.status_code, error.headers, error.detail)

    async def _fail(self, request: Request, _: Exception) -> Response:
        return self._doors.notice(request, 500)

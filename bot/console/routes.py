"""The routes around the worklist: hand-over, timeliness, referral, alerts and audit."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route

from bot.console import handover, referral
from bot.console.alerts import Alerting
from bot.console.audit import Auditing
from bot.console.request import Console, Handler, for_nurses
from bot.console.timeliness import Timeliness
from bot.service.alerts import Alerts
from bot.store.console import Role
from bot.store.reports import Reports


def routes(console: Console, reports: Reports | None, alerts: Alerts | None) -> Sequence[Route]:
    """`alerts`: None where no channel can bring them."""

    def page(path: str, handler: Handler, role: Role | None = None, method: str = "GET") -> Route:
        return Route(f"/console/{path}", for_nurses(console, handler, role), methods=[method])

    alerting = Alerting(alerts)
    found = [
        page("hand-over", handover.page),
        page("entries/{session}/referral", referral.page),
        page("alerts", alerting.page),
        page("alerts/code", alerting.code, method="POST"),
        page("alerts/test", alerting.test, method="POST"),
        page("alerts/unlink", alerting.unlink, method="POST"),
    ]
    if reports is not None:
        timeliness, auditing = Timeliness(reports), Auditing(reports)
        found += [
            page("timeliness", timeliness.page),
            page("timeliness/{table}.csv", timeliness.file),
            page("audit", auditing.page, Role.LEAD),
            page("audit.csv", auditing.file, Role.LEAD),
            page("audit/verify", auditing.verify, Role.LEAD, "POST"),
        ]
    return found

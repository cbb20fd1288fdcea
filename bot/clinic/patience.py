"""How long a clinic waits for its patients, as the dialog's timers want to know it."""

from __future__ import annotations

from datetime import datetime

from bot.clinic.settings import Clinic
from dialogs.machine import Timing
from dialogs.protocol import Disposition


def timing_of(clinic: Clinic) -> Timing:
    def check_back(disposition: Disposition, at: datetime) -> datetime | None:
        match disposition:
            case Disposition.EMERGENCY | Disposition.WITHIN_12_HOURS:
                return at + clinic.check_back_12h
            case Disposition.WITHIN_1_WEEK:
                return clinic.calendar.working_days_later(at, clinic.check_back_1w_working_days)
            case Disposition.WITHIN_2_WEEKS:
                return clinic.calendar.working_days_later(at, clinic.check_back_2w_working_days)
        return None

    return Timing(clinic.urgent_after, clinic.remind_after, clinic.expire_after, check_back)

"""How the rounds of one task of the process go: the task says it here, and /health reads it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

SILENT_AFTER_S = 90.0
"""Every round of a task ends sooner: none waits longer for news than 30 s."""
LATELY_S = 3600.0
LIVED_S = 60.0
"""A task that ends after so long has lived; one that does not is begun anew in vain."""


@dataclass(slots=True)
class Pulse:
    """`has_rounds`: the task says when each round of its own has ended; of one that does not, only its ends count.

    Moments are of the monotonic clock. Of an error only its class is kept: its text may quote a patient.
    """

    name: str
    has_rounds: bool = True
    monotonic: Callable[[], float] = time.monotonic
    failures: int = 0
    error: str | None = None
    vain_ends: int = 0
    began_s: float = field(init=False)
    succeeded_s: float = field(init=False)
    ended_s: float = field(init=False)
    failed_s: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.began_s = self.succeeded_s = self.ended_s = self.monotonic()

    def succeeded(self) -> None:
        """A round, or one piece of work of a long one."""
        self.succeeded_s = self.ended_s = self.monotonic()
        self.error = None

    def failed(self, error: BaseException | str) -> None:
        """A round."""
        self.ended_s = self.failed_s = self.monotonic()
        self.failures += 1
        self.error = error if isinstance(error, str) else type(error).__name__

    # --- the task as a whole

    def begins(self) -> None:
        self.began_s = self.monotonic()

    def has_ended(self, error: BaseException | str) -> None:
        """Though nobody has stopped it."""
        self.vain_ends = 1 if self._has_lived else self.vain_ends + 1
        self.failed(error)

    @property
    def is_begun_in_vain(self) -> bool:
        """It ends again and again, and has not lived since."""
        return self.vain_ends > 1 and not self._has_lived

    @property
    def is_failing(self) -> bool:
        """Rounds end, but none has succeeded for long."""
        return self.has_rounds and self.error is not None and self._is_long_ago(self.succeeded_s)

    @property
    def is_silent(self) -> bool:
        """No round has ended for long, well or badly: it hangs."""
        return self.has_rounds and self._is_long_ago(self.ended_s)

    @property
    def has_failed_lately(self) -> bool:
        return self.failed_s is not None and self.monotonic() - self.failed_s < LATELY_S

    @property
    def unwell_s(self) -> float:
        """Since when no round has succeeded."""
        return self.monotonic() - self.succeeded_s

    @property
    def _has_lived(self) -> bool:
        return self.monotonic() - self.began_s >= LIVED_S

    def _is_long_ago(self, moment: float) -> bool:
        return self.monotonic() - moment >= SILENT_AFTER_S

"""Whether Telegram still brings us what patients write, from what getWebhookInfo says, look after look. Pure.

A webhook has no sign of life of its own: when somebody else sets or removes it, a certificate expires or a proxy
answers in our place, all that we notice is quiet.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels.telegram.answers import Json, is_id, words

LOOK_AFTER_S = 60.0
LOOK_AGAIN_AFTER_S = 10.0
"""When something may be wrong. Two looks, in which the same waits and nothing came, are proof."""


@dataclass(slots=True)
class WebhookWatch:
    """What the looks at one webhook have shown so far. `url`: where Telegram should deliver."""

    url: str
    is_calm: bool = True
    _was_quiet: bool = False
    _heard: int = 0

    @property
    def next_look_s(self) -> float:
        return LOOK_AFTER_S if self.is_calm else LOOK_AGAIN_AFTER_S

    def trouble_in(self, info: Json, heard: int) -> str | None:
        """What is wrong, in words. `heard`: how many updates have been brought to us in all."""
        waiting = info.get("pending_update_count")
        pending = waiting if is_id(waiting) else 0
        is_quiet = pending > 0 and heard == self._heard
        was_quiet, self._was_quiet, self._heard = self._was_quiet, is_quiet, heard
        is_ours = info["url"] == self.url
        self.is_calm = is_ours and not is_quiet
        if not is_ours:
            whither = "to another address" if info["url"] else "nowhere"
            return (
                f"Telegram was told to deliver {whither}; it is told anew to deliver to {self.url}: see that no other "
                "service uses this bot's token"
            )
        return self._deafness(info, pending) if is_quiet and was_quiet else None

    def _deafness(self, info: Json, pending: int) -> str:
        error = info.get("last_error_message")
        why = words(error) if isinstance(error, str) and error else "nothing arrives"
        return (
            f"Telegram cannot deliver to {self.url} ({why}), messages that wait: {pending}; see that this address "
            "leads to the service from the internet, with a valid certificate"
        )

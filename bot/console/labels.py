"""What the console calls things: codes of the log in the nurse's words."""

from __future__ import annotations

from collections.abc import Callable

from bot.language.console import N_
from dialogs.protocol import Disposition

Gettext = Callable[[str], str]


DISPOSITIONS = {
    Disposition.EMERGENCY: N_("Emergency"),
    Disposition.WITHIN_12_HOURS: N_("Within 12 hours"),
    Disposition.WITHIN_1_WEEK: N_("Within 1 week"),
    Disposition.WITHIN_2_WEEKS: N_("Within 2 weeks"),
    Disposition.NO_WARNING_SYMPTOM: N_("No warning symptom"),
    "unfinished": N_("No advice given"),
}
LISTED = tuple(disposition for disposition in DISPOSITIONS if disposition != Disposition.NO_WARNING_SYMPTOM)
"""What an entry of the worklist can be."""
SHAPES = {
    Disposition.EMERGENCY: "octagon",
    Disposition.WITHIN_12_HOURS: "triangle",
    Disposition.WITHIN_1_WEEK: "diamond",
    Disposition.WITHIN_2_WEEKS: "disc",
}
"""How a tier looks, for who does not see colours; every other is a ring."""
REASONS = {
    "unfinished": N_("check not finished, cannot tell"),
    "words": N_("patient wrote in own words"),
    "person": N_("patient wants to talk to a person"),
    "stale_tap": N_("pressed an urgent answer on old buttons"),
    "corrected_down": N_("changed an answer to a milder one"),
    "baseline": N_("known and unchanged: confirm the baseline"),
    "found_more": N_("a further warning sign was found"),
    "told_to_wait": N_("called, and was told to wait"),
    "appointment_late": N_("appointment is after the deadline"),
    "not_reached": N_("could not reach anybody"),
    "delivery_failed": N_("a message did not arrive"),
    "not_seen": N_("advice was not seen"),
    "unprocessed": N_("a message could not be handled"),
}
OUTCOMES = {
    "reached_advised": N_("Reached and advised"),
    "sent_mri": N_("Sent in for MRI"),
    "sent_emergency": N_("Sent to emergency department"),
    "seen_already": N_("Seen already"),
    "known_problem": N_("Known problem"),
    "could_not_reach": N_("Could not reach"),
    "false_alarm": N_("False alarm"),
    "duplicate": N_("Duplicate"),
}
REPLIES = {
    "will_call": N_("We will call you"),
    "tried_to_call": N_("We tried to call you"),
    "call_us": N_("Please call us"),
    "send_number": N_("Which number may we call?"),
    "come_now": N_("Come to the emergency department"),
    "scan_planned": N_("Your scan is planned"),
    "check_again": N_("Please do the check again"),
}
LEFT = {
    "stop": N_("on request"),
    "restart": N_("to begin a new one"),
    "new_check": N_("to begin a new one"),
    "refused": N_("did not agree"),
    "blocked": N_("blocked us"),
    "broken": N_("it could not go on"),
}
UNDELIVERED = {"blocked": N_("blocked us"), "refused": N_("refused by the channel"), "not_seen": N_("not seen")}
DELIVERY = {
    "waiting": N_("waiting to be sent"),
    "handed_over": N_("handed over, not seen yet"),
    "sent": N_("sent"),
    "not_seen": N_("not seen"),
    "failed": N_("not delivered"),
    "superseded": N_("left out: advice went first"),
}
STATES = {
    "new": N_("check begun"),
    "greeting": N_("check begun"),
    "asking": N_("check is going on"),
    "reviewing": N_("check is going on"),
    "advised": N_("advised, check is going on"),
    "asking_more": N_("advised, more questions"),
    "following_up": N_("check finished, follow-up"),
    "closed": N_("check finished"),
    "stopped": N_("stopped by the patient"),
    "expired": N_("ended by silence"),
}
VIEWS = {
    "open": N_("All open"),
    "mine": N_("Mine"),
    "unclaimed": N_("Unclaimed"),
    "undelivered": N_("Not delivered"),
    "call_back": N_("Call back due"),
    "snoozed": N_("Snoozed"),
    "closed": N_("Closed"),
}
REFUSED = {
    "taken": N_("%(owner)s has this entry. Nothing was changed."),
    "closed": N_("This entry is closed already, last with %(owner)s. Nothing was changed."),
    "open": N_("This entry is open already."),
    "urgent": N_("An emergency or 12-hour entry cannot be closed with “could not reach”. Plan the next try instead."),
    "not_snoozable": N_("Only entries of 1 and 2 weeks can be snoozed."),
    "too_late": N_("An entry cannot be snoozed beyond the moment the patient should be seen."),
    "changed": N_("There is something new from the patient since you opened this page. Read it, then try again."),
    "empty": N_("Write something first."),
    "too_long": N_("This text is too long: at most %(most)s characters. It was not saved; shorten it and try again."),
    "language": N_("You have not declared this patient's language: choose one of the prepared replies."),
    "blanks": N_("Fill in every blank of the reply."),
    "nobody": N_("Choose a colleague."),
    "choice": N_("Choose one of the answers."),
}
NOT_HIRED = {
    "name": N_("Another account has this name. Choose another one, or reset that account."),
    "e-mail address": N_("Another account has this e-mail address. Choose another one, or reset that account."),
    "incomplete": N_("Fill in a name, an e-mail address, a role and at least one language."),
    "herself": N_("You cannot disable or reset your own account. Ask another administrator."),
}
DONE = {
    "claimed": N_("The entry is yours."),
    "acknowledged": N_("Marked as read."),
    "released": N_("Given back: nobody has it now."),
    "handed": N_("Handed over."),
    "noted": N_("Note kept."),
    "called": N_("Call written down."),
    "replied": N_("Reply on its way."),
    "snoozed": N_("Snoozed."),
    "closed": N_("Closed."),
    "reopened": N_("Opened again."),
    "baseline": N_("Baseline confirmed for %(time)s."),
    "password": N_("Password changed. Sign in with it."),
    "code_on": N_("One-time codes are on."),
    "code_off": N_("One-time codes are off."),
    "signed_out": N_("You are signed out."),
}
ACTS = {
    "signed_in": N_("signed in"),
    "viewed": N_("looked at it"),
    "Claimed": N_("took it"),
    "Acknowledged": N_("read it"),
    "Released": N_("gave it back"),
    "HandedOver": N_("handed it over"),
    "NoteAdded": N_("wrote a note"),
    "Called": N_("called the patient"),
    "Replied": N_("replied"),
    "BaselineConfirmed": N_("confirmed a baseline"),
    "Snoozed": N_("snoozed it"),
    "Closed": N_("closed it"),
    "Reopened": N_("opened it again"),
    "exported": N_("took it out of the console"),
    "verified": N_("checked the audit"),
    "linked": N_("linked a chat for alerts"),
    "unlinked": N_("unlinked the chat for alerts"),
    "added_nurse": N_("made an account"),
    "disabled_nurse": N_("disabled an account"),
    "reset_nurse": N_("reset an account"),
}
ROLES = {"nurse": N_("Nurse"), "lead": N_("Lead"), "administrator": N_("Administrator")}

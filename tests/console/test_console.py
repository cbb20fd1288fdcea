"""The nurse's console over real HTTP, without script: finding, understanding, acting, and what is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from bot.store.console import Role
from dialogs.events import BaselineConfirmed, Called, Closed, NoteAdded, Replied
from tests.kit.clinic import TestClinic
from tests.kit.console_client import BACK, ONE_SIDE, WEAK, Sister, Ward, hidden, opened, text_of


@pytest_asyncio.fixture
async def ward(clinic: TestClinic) -> AsyncIterator[Ward]:
    async with opened(clinic) as ready:
        yield ready


async def events(ward: Ward, session: str, kind: type) -> list[object]:
    log = await ward.clinic.store.load(session)
    return [one.event for one in log.events if isinstance(one.event, kind)]


# --- the worklist


async def test_what_cannot_wait_stands_on_top(ward):
    await ward.patient("1", **BACK)
    await ward.patient("2", **WEAK)
    await ward.patient("3", emergency_signs="yes")
    await ward.patient("4", **ONE_SIDE)
    page = await (await ward.nurse("Anna")).sees()
    assert re.findall(r'<li id="patient-\w+" class="entry tier-([\w]+)', page) == ["emergency", "12h", "1w", "2w"]


async def test_a_line_says_why_in_her_language_and_how_long_is_left(ward):
    await ward.patient(language="nl", **WEAK)
    text = text_of(await (await ward.nurse("Anna")).sees())
    assert "weak" in text
    assert "Dutch" in text
    assert "30 minutes left" in text
    assert "12 hours left" in text


@pytest.mark.parametrize(("language", "is_said"), [("nl", True), ("en", False)])
async def test_her_page_says_that_the_translation_is_not_reviewed(ward, language, is_said):
    session = await ward.session_of(await ward.patient(language=language, **WEAK))
    text = text_of(await (await ward.nurse("Anna")).sees(f"/console/entries/{session}"))
    assert ("The translation that the patient reads has not been clinically reviewed." in text) is is_said


async def test_checks_of_one_patient_fold_into_one_line_of_the_highest_tier(ward):
    patient = await ward.patient(**BACK)
    await patient.waits(days=1)
    await patient.says("/start")
    await patient.answers(**WEAK)
    page = await (await ward.nurse("Anna")).sees()
    assert re.findall(r'class="entry tier-(\w+)', page) == ["12h"]
    assert "2 checks" in text_of(page)


async def test_views_and_filters_show_what_they_say(ward):
    first = await ward.patient("1", **WEAK)
    await ward.patient("2", language="nl", **BACK)
    anna = await ward.nurse("Anna")
    await anna.does(await ward.session_of(first), "claim")

    async def dispositions(query: str) -> list[str]:
        return re.findall(r'class="entry tier-(\w+)', await anna.sees(f"/console?{query}"))

    assert await dispositions("view=mine") == ["12h"]
    assert await dispositions("view=unclaimed") == ["2w"]
    assert await dispositions("tier=2w") == ["2w"]
    assert await dispositions("language=nl") == ["2w"]
    assert await dispositions("view=undelivered") == []
    assert await dispositions("view=<script>&tier='&language=%00&page=-1") == ["12h", "2w"]


async def test_search_finds_by_short_id_and_by_telephone_number(ward):
    patient = await ward.patient(**WEAK, call_back_number="skip")
    log = await ward.clinic.store.load(await ward.session_of(patient))
    anna = await ward.nurse("Anna")
    assert log.patient.id in await anna.sees(f"/console?q=%23{log.patient.id[-6:]}")
    assert "Nothing found" in await anna.sees("/console?q=999999")


@pytest.mark.parametrize("typed", ["+31 (0)6 12345678", "0031 (0)6 12345678", "06 12345678"])
async def test_the_call_button_dials_however_the_patient_wrote_her_number(ward, typed):
    patient = ward.clinic.patient()
    await patient.says("/start")
    for code in ("language:en", "consent:yes", "respondent:patient", "emergency_signs:yes"):
        await patient.sends(choice=f"{(await patient.session()).pending.token}:{code}")
    await patient.says(typed)
    page = await (await ward.nurse("Anna")).sees(f"/console/entries/{await ward.session_of(patient)}")
    assert 'href="tel:+31612345678"' in page


async def test_forty_patients_fill_two_pages(ward):
    for number in range(27):
        patient = ward.clinic.patient(str(number))
        await patient.says("/emergency")
    anna = await ward.nurse("Anna")
    assert len(re.findall(r'<li id="patient-', await anna.sees())) == 25
    assert len(re.findall(r'<li id="patient-', await anna.sees("/console?page=2"))) == 2


# --- acting


async def test_of_two_nurses_one_gets_the_patient_and_the_other_is_told_who(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna, bo = await ward.nurse("Anna"), await ward.nurse("Bo")
    pages = [await one.sees(f"/console/entries/{session}") for one in (anna, bo)]
    first = await anna.does(session, "claim", pages[0])
    second = await bo.does(session, "claim", pages[1])
    assert (first.status_code, second.status_code) == (303, 409)
    assert "Anna has this entry" in text_of(second.text)


async def test_closing_takes_two_taps_and_an_outcome(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    response = await anna.does(session, "close", outcome="sent_mri")
    assert response.status_code == 303
    assert await events(ward, session, Closed) == [Closed("Anna", "sent_mri")]
    assert "Nobody is waiting" in await anna.sees()


async def test_new_words_open_it_again_and_name_the_last_owner(ward):
    patient = await ward.patient(**WEAK)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna")
    await anna.does(session, "claim")
    await anna.does(session, "close", outcome="reached_advised")
    await patient.says("It is getting worse")
    text = text_of(await anna.sees())
    assert "last with Anna" in text
    assert "1 unread message" in text


async def test_what_is_urgent_is_not_closed_with_could_not_reach(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    response = await anna.does(session, "close", outcome="could_not_reach")
    assert response.status_code == 409
    assert not await events(ward, session, Closed)


async def test_could_not_reach_plans_the_next_try(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    await anna.does(session, "call", reached="no", text="voicemail")
    again = ward.clinic.clock.at + timedelta(minutes=15)
    assert await events(ward, session, Called) == [Called("Anna", False, again, "voicemail")]
    ward.clinic.clock.move(timedelta(minutes=16))
    assert 'class="entry' in await anna.sees("/console?view=call_back")


async def test_a_page_that_has_not_seen_the_latest_words_closes_nothing(ward):
    patient = await ward.patient(**WEAK)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna")
    page = await anna.sees(f"/console/entries/{session}")
    ward.clinic.clock.move(timedelta(minutes=1))
    await patient.says("I have fallen")
    response = await anna.does(session, "close", page, outcome="reached_advised")
    assert response.status_code == 409
    assert "something new from the patient" in text_of(response.text)
    assert "I have fallen" in response.text


async def test_a_form_sent_twice_takes_effect_once(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    page = await anna.sees(f"/console/entries/{session}")
    for _ in range(2):
        response = await anna.does(session, "note", page, id="one", text="Called the ward")
        assert response.status_code == 303
    assert await events(ward, session, NoteAdded) == [NoteAdded("Anna", "Called the ward")]


async def test_closing_twice_is_answered_like_closing_once(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    page = await anna.sees(f"/console/entries/{session}")
    codes = [(await anna.does(session, "close", page, id="x", outcome="duplicate")).status_code for _ in range(2)]
    assert codes == [303, 303]


async def test_a_colleague_who_closed_it_meanwhile_is_named(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna, bo = await ward.nurse("Anna"), await ward.nurse("Bo")
    page = await bo.sees(f"/console/entries/{session}")
    await anna.does(session, "close", outcome="seen_already")
    response = await bo.does(session, "close", page, outcome="duplicate")
    assert response.status_code == 409
    assert "closed already, last with Anna" in text_of(response.text)


async def test_release_and_hand_over_pass_the_patient_on(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna, bo = await ward.nurse("Anna"), await ward.nurse("Bo")
    await anna.does(session, "claim")
    assert (await bo.does(session, "release")).status_code == 409
    await anna.does(session, "hand-over", to="Bo")
    assert "You have it" in text_of(await bo.sees())
    await bo.does(session, "release")
    assert "Take" in text_of(await anna.sees())


async def test_only_one_and_two_weeks_can_be_snoozed_and_news_ends_it(ward):
    urgent = await ward.session_of(await ward.patient("1", **WEAK))
    patient = await ward.patient("2", **ONE_SIDE)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna")
    until = (ward.clinic.clock.at + timedelta(days=1)).isoformat()
    assert (await anna.does(urgent, "snooze", until=until)).status_code == 409
    late = (ward.clinic.clock.at + timedelta(days=30)).isoformat()
    assert (await anna.does(session, "snooze", until=late)).status_code == 409
    assert (await anna.does(session, "snooze", until=until)).status_code == 303
    assert "tier-1w" not in await anna.sees()
    await patient.says("Now my leg is numb")
    assert "tier-1w" in await anna.sees()


async def test_a_confirmed_baseline_is_kept_for_the_next_check(ward):
    known = {"numbness_tingling": "yes", "numbness_tingling_change": "same_and_known"}
    patient = await ward.patient(**known)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna")
    await anna.does(session, "baseline", question="numbness_tingling")
    assert await events(ward, session, BaselineConfirmed) == [BaselineConfirmed("Anna", "numbness_tingling")]
    assert "numbness_tingling" in (await ward.clinic.store.load(session)).confirmed


# --- replies


async def test_a_prepared_reply_reaches_a_dutch_patient_from_a_nurse_who_reads_no_dutch(ward):
    patient = await ward.patient(language="nl", **WEAK)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna")
    blank = await anna.does(session, "reply", template="call_us", blank_when="")
    assert blank.status_code == 422
    done = await anna.does(session, "reply", template="call_us", blank_when="nu", blank_number="+31 20 555 0100")
    assert done.status_code == 303
    await ward.clinic.outbox.deliver_due()
    arrived = patient.messages[-1]
    assert "Bel ons nu op +31 20 555 0100" in arrived.text
    assert "112" in arrived.text
    page = text_of(await anna.sees(f"/console/entries/{session}"))
    assert "Please call us nu on +31 20 555 0100" in page


async def test_free_words_need_a_language_that_she_has_declared(ward):
    session = await ward.session_of(await ward.patient(language="nl", **WEAK))
    anna, dora = await ward.nurse("Anna"), await ward.nurse("Dora", languages=("nl",))
    refused = await anna.does(session, "reply", kind="reply", text="Please call us")
    assert refused.status_code == 422
    assert not await events(ward, session, Replied)
    assert (await dora.does(session, "reply", kind="reply", text="Bel ons")).status_code == 303


async def test_the_page_shows_whether_a_reply_was_sent_and_answered(ward):
    patient = await ward.patient(**WEAK)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna")
    await anna.does(session, "reply", kind="reply", text="Can you walk?")
    await ward.clinic.outbox.deliver_due()
    assert "answered since" not in await anna.sees(f"/console/entries/{session}")
    ward.clinic.clock.move(timedelta(minutes=2))
    await patient.says("Hardly")
    assert "answered since" in await anna.sees(f"/console/entries/{session}")


# --- the session's page


async def test_one_page_says_why_with_source_notes_answers_and_both_texts(ward):
    session = await ward.session_of(await ward.patient(language="nl", **WEAK))
    page = text_of(await (await ward.nurse("Anna")).sees(f"/console/entries/{session}"))
    for wanted in ("[seed]", "Full-spine MRI within 12 hours", "New or worse", "Nieuw of erger", "Patient-reported"):
        assert wanted in page, wanted


async def test_the_conversation_holds_words_and_no_codes(ward):
    patient = await ward.patient(**WEAK)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna")
    await patient.says("It is getting worse")
    await anna.does(session, "close", outcome="sent_mri")
    await patient.says("/start")
    page = text_of(await anna.sees(f"/console/entries/{session}"))
    for wanted in (
        "Closed by Anna: Sent in for MRI",
        "(to begin a new one)",
        "For the nurse: patient wrote in own words",
    ):
        assert wanted in page, wanted


async def test_who_looked_is_written_down(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    await (await ward.nurse("Bo")).sees(f"/console/entries/{session}")
    assert "Bo looked at it" in text_of(await (await ward.nurse("Anna")).sees(f"/console/entries/{session}"))
    assert (await ward.clinic.store.reports.verify_audit())[0] > 3


async def test_dutch_nurses_read_everything_in_dutch(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    dora = await ward.nurse("Dora", languages=("nl", "en"))
    assert "Binnen 12 uur" in text_of(await dora.sees())
    page = text_of(await dora.sees(f"/console/entries/{session}"))
    assert "Waarom dit hier staat" in page
    assert "MRI van de gehele wervelkolom binnen 12 uur" in page


# --- bad input


async def test_markup_in_a_patients_words_stays_words(ward):
    patient = await ward.patient(**WEAK)
    await patient.says("<script>alert(1)</script>{{ 7*7 }}")
    page = await (await ward.nurse("Anna")).sees(f"/console/entries/{await ward.session_of(patient)}")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page


async def test_a_note_of_a_hundred_kilobytes_is_refused_and_given_back(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    response = await anna.does(session, "note", kind="note", text="x" * 100_000)
    assert response.status_code == 422
    assert "x" * 100_000 in response.text


@pytest.mark.parametrize("path", ["/console/entries/unknown", "/console/entries/unknown/live", "/console/nothing"])
async def test_what_is_not_there_says_nothing_about_others(ward, path):
    anna = await ward.nurse("Anna")
    response = await anna.client.get(path)
    assert response.status_code == 404
    assert "unknown" not in response.text


async def test_acts_on_an_unknown_session_are_not_found(ward):
    anna = await ward.nurse("Anna")
    token = hidden(await anna.sees(), "token")
    response = await anna.client.post("/console/entries/unknown/claim", data={"token": token})
    assert response.status_code == 404


@pytest.mark.parametrize("change", [{"token": "forged"}, {"token": ""}])
async def test_a_forged_form_changes_nothing(ward, change):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    response = await anna.does(session, "close", **change, outcome="duplicate")
    assert response.status_code == 403
    assert not await events(ward, session, Closed)


async def test_a_form_from_another_site_changes_nothing(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    anna.client.headers["Sec-Fetch-Site"] = "cross-site"
    assert (await anna.does(session, "close", outcome="duplicate")).status_code == 403


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("x" * 300_000, "application/x-www-form-urlencoded", 413),
        ("{}", "application/json", 415),
        ("&".join(f"a{n}=1" for n in range(60)), "application/x-www-form-urlencoded", 400),
    ],
)
async def test_bodies_that_are_no_form_of_ours_are_refused(ward, body, content_type, status):
    anna = await ward.nurse("Anna")
    response = await anna.client.post("/console/entries/x/note", content=body, headers={"Content-Type": content_type})
    assert response.status_code == status


async def test_a_note_outlives_the_end_of_her_visit(ward):
    patient = await ward.patient(**WEAK)
    session = await ward.session_of(patient)
    anna = await ward.nurse("Anna")
    page = await anna.sees(f"/console/entries/{session}")
    ward.clinic.clock.move(timedelta(hours=2))
    response = await anna.does(session, "note", page, kind="note", text="Husband says: cannot stand up")
    assert response.status_code == 401
    assert "Husband says: cannot stand up" in response.text
    await _password(ward, "Anna", "correct horse battery")
    fields = {name: hidden(response.text, name) for name in ("next", "text", "about")}
    fields |= {"email": "anna@clinic.example", "password": "correct horse battery"}
    again = await anna.client.post("/console/sign-in", data=fields)
    assert again.status_code == 200
    assert "Husband says: cannot stand up" in again.text
    token = hidden(again.text, "token")
    kept = await anna.client.post(f"/console/entries/{session}/note", data={"token": token, "text": fields["text"]})
    assert kept.status_code == 303


async def test_every_answer_is_guarded(ward):
    client = await ward.browser()
    for path in ("/console", "/console/sign-in", "/console/static/console.css", "/console/none"):
        headers = (await client.get(path)).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


async def test_pages_hold_no_inline_script_or_style(ward):
    session = await ward.session_of(await ward.patient(**WEAK))
    anna = await ward.nurse("Anna")
    for path in ("/console", f"/console/entries/{session}", "/console/account"):
        page = await anna.sees(path)
        assert not re.search(r"<script(?![^>]*src=)|<style| style=|\son\w+=", page), path


# --- signing in


async def _password(ward: Ward, name: str, password: str) -> httpx.Response:
    nurse = await ward.account(name)
    secret = await ward.accounts.new_link(nurse, "password", timedelta(hours=1))
    client = await ward.browser()
    return await client.post(f"/console/password/{secret}", data={"password": password, "again": password})


async def test_a_nurse_chooses_a_password_and_signs_in(ward):
    assert (await _password(ward, "Anna", "short")).status_code == 422
    assert (await _password(ward, "Anna", "correct horse battery")).status_code == 303
    client = await ward.browser()
    fields = {"email": "ANNA@clinic.example", "password": "correct horse battery", "next": "//evil.example"}
    response = await client.post("/console/sign-in", data=fields)
    assert (response.status_code, response.headers["location"]) == (303, "/console")
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_wrong_passwords_are_slowed_and_right_ones_too(ward):
    await _password(ward, "Anna", "correct horse battery")
    client = await ward.browser()
    codes = []
    for _ in range(6):
        wrong = {"email": "anna@clinic.example", "password": "guess"}
        codes.append((await client.post("/console/sign-in", data=wrong)).status_code)
    assert codes == [403] * 5 + [429]
    ward.clinic.clock.move(timedelta(seconds=3))
    right = {"email": "anna@clinic.example", "password": "correct horse battery"}
    assert (await client.post("/console/sign-in", data=right)).status_code == 303


async def test_a_right_password_clears_the_count_of_wrong_ones(ward):
    await _password(ward, "Anna", "correct horse battery")
    client = await ward.browser()
    codes = []
    for password in (*["guess"] * 4, "correct horse battery", *["guess"] * 5):
        fields = {"email": "anna@clinic.example", "password": password}
        codes.append((await client.post("/console/sign-in", data=fields)).status_code)
    assert codes == [*[403] * 4, 303, *[403] * 5]


async def test_a_link_signs_in_once(ward):
    link = await ward.link("Anna")
    assert (await (await ward.browser()).get(link)).status_code == 303
    assert (await (await ward.browser()).get(link)).status_code == 403


async def test_visits_end_after_an_hour_of_quiet_and_after_twelve_hours(ward):
    anna = await ward.nurse("Anna")
    for _ in range(13):
        ward.clinic.clock.move(timedelta(minutes=54))
        await anna.sees()
    ward.clinic.clock.move(timedelta(minutes=30))
    assert (await anna.client.get("/console")).status_code == 401
    bo = await ward.nurse("Bo")
    ward.clinic.clock.move(timedelta(minutes=30))
    assert (await bo.client.get("/console/rows")).status_code == 200
    ward.clinic.clock.move(timedelta(minutes=31))
    assert (await bo.client.get("/console")).status_code == 401


async def test_signing_out_everywhere_ends_both_browsers(ward):
    here, there = await ward.nurse("Anna"), await ward.nurse("Anna")
    token = hidden(await here.sees(), "token")
    await here.client.post("/console/sign-out", data={"token": token, "everywhere": "yes"})
    assert (await there.client.get("/console")).status_code == 401


async def test_a_disabled_nurse_is_out_at_once(ward):
    anna = await ward.nurse("Anna")
    await ward.accounts.disable(await ward.account("Anna"))
    assert (await anna.client.get("/console")).status_code == 401


async def test_one_time_codes_work_once(ward):
    import pyotp

    await _password(ward, "Anna", "correct horse battery")
    anna = await ward.nurse("Anna")
    page = await anna.sees("/console/account")
    secret, token = hidden(page, "secret"), hidden(page, "token")
    code = pyotp.TOTP(secret).at(ward.clinic.clock.at)
    wrong = await anna.client.post("/console/account/code", data={"token": token, "secret": secret, "code": "000000"})
    assert wrong.status_code == 422
    await anna.client.post("/console/account/code", data={"token": token, "secret": secret, "code": code})
    right = {"email": "anna@clinic.example", "password": "correct horse battery"}
    client = await ward.browser()
    assert (await client.post("/console/sign-in", data=right)).status_code == 403
    assert (await client.post("/console/sign-in", data={**right, "code": code})).status_code == 403
    ward.clinic.clock.move(timedelta(seconds=31))
    later = pyotp.TOTP(secret).at(ward.clinic.clock.at)
    assert (await client.post("/console/sign-in", data={**right, "code": later})).status_code == 303


async def test_a_clinic_may_ask_leads_for_one_time_codes(clinic):
    async with opened(clinic, needs_code=True) as ward:
        lead = await ward.nurse("Lea", role=Role.LEAD)
        response = await lead.client.get("/console")
        assert response.headers["location"] == "/console/account#code"
        assert "Nobody is waiting" in await Sister(ward, "Anna", (await ward.nurse("Anna")).client).sees()


@pytest.mark.parametrize("page", ["/console", "/console/entries/{}", "/console/entries/{}/referral"])
async def test_no_page_marks_what_nobody_can_ever_say_otherwise(ward, page):
    """Nothing writes yet that a patient's identity is verified; a mark that is always on is no mark."""
    session = await ward.session_of(await ward.patient(**WEAK))
    seen = await (await ward.nurse("Anna")).sees(page.format(session))
    assert "verified" not in text_of(seen)

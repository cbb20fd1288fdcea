// The web chat: sends without reloading, keeps what is not sent, listens for what is new and says what it has shown.
// The server draws every line; this file only puts lines in their place. Without it the page works by plain forms.

"use strict";

const root = document.documentElement;
const log = document.getElementById("log");
const status = document.getElementById("status");
const talk = document.getElementById("talk");
const box = document.getElementById("text");
const menu = document.getElementById("menu");
const words = document.getElementById("words").dataset;
const token = talk.elements.token.value;
const title = document.title;

const QUIET_S = 50;
const TIMEOUT_S = 15;
const ARMED_MS = 350;

root.classList.add("script");

// --- what survives a reload of this tab ---

function kept(name, fallback, of = log.dataset.of) {
  try {
    return JSON.parse(sessionStorage.getItem(`${name}:${of}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

function keep(name, value, of = log.dataset.of) {
  try {
    sessionStorage.setItem(`${name}:${of}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still chats.
  }
}

let isReloading = false;

function reload() {
  isReloading = true;
  location.reload();
}

// This page may no longer show the conversation. Loads it again, but not for ever if the browser keeps no cookie.
function expire() {
  log.replaceChildren();
  const isAgain = performance.timeOrigin - kept("expired", 0, "") < 20000;
  keep("expired", performance.timeOrigin, "");
  if (isAgain) say("lost", words.expired);
  else reload();
}

// --- the line that says how things are: what is not sent, else what is not heard, else a passing note ---

const state = { unsent: "", lost: "", note: "" };
let noteTimer;

function say(what, text) {
  state[what] = text;
  clearTimeout(noteTimer);
  if (state.note) noteTimer = setTimeout(() => say("note", ""), 6000);
  const now = state.unsent || state.lost || state.note;
  if (status.dataset.says === now) return;
  status.dataset.says = now;
  status.replaceChildren(now);
  if (!state.unsent) return;
  const retry = document.createElement("button");
  retry.type = "button";
  retry.textContent = words.retry;
  retry.addEventListener("click", () => deliver.now());
  status.append(retry);
}

// Waits longer after each failure; `now` cuts the wait short.
function patiently(attempt) {
  let failures = 0;
  let timer;
  let isRunning = false;
  async function run() {
    clearTimeout(timer);
    if (isRunning) return;
    isRunning = true;
    const wait = await attempt(failures).catch((error) => {
      console.error(error);
      return 0;
    });
    isRunning = false;
    failures = wait === undefined ? 0 : failures + 1;
    if (wait !== undefined) timer = setTimeout(run, wait || backOff(failures));
  }
  return { now: run };
}

function backOff(failures) {
  return Math.min(30, 2 ** (failures - 1)) * 1000 * (0.8 + 0.4 * Math.random());
}

function post(path, fields) {
  return fetch(path, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({ token, ...fields }),
    signal: AbortSignal.timeout(TIMEOUT_S * 1000),
  });
}

// --- sending: one after the other, each until the server has it ---

const waiting = kept("waiting", []);

function send(message, label) {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  waiting.push({ id: message.id || id, choice: message.choice, text: message.text, label });
  keep("waiting", waiting);
  drawWaiting();
  scrollToEnd();
  deliver.now();
}

const deliver = patiently(async (failures) => {
  while (waiting.length) {
    const { id, choice, text } = waiting[0];
    const response = await post(talk.action, { id, have: cursor, ...(choice ? { choice } : { text }) }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    const isSent = response?.ok && answer;
    if (isSent) {
      taken();
      say("unsent", "");
      say("note", answer.note || "");
      apply(answer);
    } else if (response && response.status !== 429 && response.status >= 400 && response.status < 500) {
      refused(response.status, answer?.wrong ?? words.notSent);
    } else {
      if (response || failures || !navigator.onLine) say("unsent", answer?.wrong ?? words.notSent);
      return Number(response?.headers.get("Retry-After")) * 1000 || 0;
    }
  }
  return undefined;
});

function refused(status, why) {
  const { text } = taken();
  if (text && !text.startsWith("/")) writeDraft(text);
  for (const group of log.querySelectorAll(".choices.sent")) group.classList.remove("sent");
  say("unsent", "");
  if (status === 403 || status === 409) expire();
  else say("note", why);
}

function taken() {
  const message = waiting.shift();
  keep("waiting", waiting);
  drawWaiting();
  return message;
}

function drawWaiting() {
  for (const bubble of log.querySelectorAll(".pending")) bubble.remove();
  for (const { label } of waiting) {
    if (!label) continue;
    const line = document.createElement("article");
    line.className = "line yours pending";
    line.ariaLive = "off";
    line.innerHTML = '<div class="bubble"><p class="text" dir="auto"></p><small class="time"></small></div>';
    line.querySelector(".text").textContent = label;
    line.querySelector(".time").textContent = words.sending;
    log.append(line);
  }
}

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (form.matches("#anew")) return;
  event.preventDefault();
  if (form === talk) {
    const text = box.value;
    if (!text.trim()) return;
    writeDraft("");
    send({ text }, text);
  } else if (submitter && form.matches("#answer")) {
    choose(submitter);
  } else if (submitter) {
    menu.open = false;
    send({ [submitter.name]: submitter.value, id: form.matches("#start") ? "start" : undefined });
  }
});

function choose(button) {
  const group = button.closest(".choices");
  if (group.classList.contains("sent")) return;
  group.classList.add("sent");
  send({ choice: button.value }, button.textContent.trim());
}

box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  talk.requestSubmit();
});

box.addEventListener("input", () => keep("draft", box.value));

function writeDraft(text) {
  box.value = text;
  keep("draft", text);
}

// --- putting lines in their place ---

let revision = Number(log.dataset.revision);
let cursor = log.dataset.cursor;
const unseen = new Set(log.dataset.unseen.split(" ").filter(Boolean));
const seen = new Set();

function apply(update) {
  if (update.revision < revision) return;
  revision = update.revision;
  cursor = update.cursor;
  for (const delivery of update.unseen.map(String)) if (!seen.has(delivery)) unseen.add(delivery);
  const held = log.contains(document.activeElement) && document.activeElement.closest(".choices");
  const wasAtEnd = isAtEnd();
  const fresh = update.lines.map(place).filter(Boolean);
  if (fresh.length) document.getElementById("start")?.remove();
  arrange(update.order);
  if (update.language !== root.lang) {
    if (held) keep("focus", true);
    return reload();
  }
  if (held && !held.isConnected) [...log.querySelectorAll(".choices")].at(-1)?.focus({ preventScroll: true });
  if (fresh.length) follow(fresh, wasAtEnd);
  watchUnseen();
}

function place({ id, html }) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const next = template.content.firstElementChild;
  const old = document.getElementById(next.id);
  if (!old) {
    next.classList.add("fresh");
    next.dataset.shownAt = performance.now();
    log.append(next);
    return next;
  }
  if (old.dataset.version === next.dataset.version) return null;
  if (old.querySelector(".choices") && !next.querySelector(".choices")) {
    // Taken away and not drawn anew, so that a screen reader does not read the question again.
    for (const part of old.querySelectorAll(".choices, .picture, .hint")) part.remove();
    old.dataset.version = next.dataset.version;
  } else {
    old.replaceWith(next);
  }
  return null;
}

function arrange(order) {
  const wanted = new Set(order.map((id) => `line-${id}`));
  for (const line of log.querySelectorAll(".line[id]")) if (!wanted.has(line.id)) line.remove();
  let here = log.firstElementChild;
  for (const id of wanted) {
    const line = document.getElementById(id);
    if (line === here) here = here.nextElementSibling;
    else if (line) log.insertBefore(line, here);
  }
}

function isAtEnd() {
  return window.innerHeight + window.scrollY > root.scrollHeight - 120;
}

function scrollToEnd() {
  window.scrollTo({ top: root.scrollHeight });
}

function follow(fresh, wasAtEnd) {
  const isUrgent = fresh.some((line) => line.matches(".priority-2, .priority-3"));
  if (document.hidden) document.title = `● ${title}`;
  if (!wasAtEnd && !isUrgent) return;
  const height = root.scrollHeight - (fresh[0].getBoundingClientRect().top + window.scrollY);
  if (height > window.innerHeight - 180) fresh.find((line) => line.matches(".ours"))?.scrollIntoView({ block: "start" });
  else scrollToEnd();
}

// --- saying what has been shown: only what was in view, on a page in view ---

const shown = new Set(); // and not yet acknowledged

const eye = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting, intersectionRatio, intersectionRect } of entries) {
      const isEnough = intersectionRatio >= 0.5 || intersectionRect.height > window.innerHeight / 4;
      if (!isIntersecting || !isEnough || document.hidden) continue;
      eye.unobserve(target);
      shown.add(target.dataset.delivery);
      seen.add(target.dataset.delivery);
      unseen.delete(target.dataset.delivery);
    }
    markNewest();
    if (shown.size) acknowledge.now();
  },
  { threshold: [0, 0.25, 0.5, 0.75], rootMargin: "-60px 0px" },
);

const acknowledge = patiently(async () => {
  const deliveries = [...shown];
  if (!deliveries.length) return undefined;
  const response = await post(log.dataset.seen, { deliveries: deliveries.join(" ") }).catch(() => null);
  if (!response || response.status >= 500 || response.status === 429) return 0;
  for (const delivery of deliveries) shown.delete(delivery);
  return shown.size ? 100 : undefined;
});

function unseenLines() {
  return [...log.querySelectorAll(".ours")].filter((line) => unseen.has(line.dataset.delivery));
}

function watchUnseen() {
  for (const line of unseenLines()) {
    eye.unobserve(line);
    eye.observe(line);
  }
}

const newest = document.createElement("button");
newest.type = "button";
newest.className = "primary newest";
newest.textContent = words.newest;
newest.hidden = true;
newest.addEventListener("click", () => unseenLines()[0]?.scrollIntoView({ block: "start" }));
document.querySelector("footer").append(newest);

function markNewest() {
  newest.hidden = !unseenLines().some((line) => line.getBoundingClientRect().top > window.innerHeight - 120);
}

// --- listening ---

let source;
let failures = 0;
let reconnection;
let silence;
let mourning;

function connect() {
  clearTimeout(reconnection);
  source?.close();
  source = new EventSource(`${log.dataset.events}?have=${cursor}&of=${log.dataset.of}`);
  source.addEventListener("lines", (event) => heard() && apply(JSON.parse(event.data)));
  source.addEventListener("beat", heard);
  source.addEventListener("notice", (event) => say(waiting.length ? "unsent" : "note", JSON.parse(event.data).text));
  source.addEventListener("displaced", rest);
  source.addEventListener("reload", expire);
  source.addEventListener("error", lost);
}

function heard() {
  failures = 0;
  rest.isResting = false;
  clearTimeout(mourning);
  clearTimeout(silence);
  silence = setTimeout(lost, QUIET_S * 1000);
  if (state.lost) {
    say("lost", "");
    say("note", words.online);
  }
  if (waiting.length) deliver.now();
  return true;
}

function lost() {
  source.close();
  clearTimeout(silence);
  clearTimeout(mourning);
  clearTimeout(reconnection);
  failures += 1;
  if (!state.lost) mourning = setTimeout(() => say("lost", words.offline), failures > 1 ? 0 : 1500);
  reconnection = setTimeout(connect, backOff(failures));
}

// A newer page of the same patient listens instead; this one does again when it is looked at.
function rest() {
  source.close();
  clearTimeout(silence);
  rest.isResting = true;
}

function lookAgain() {
  if (document.hidden) return;
  document.title = title;
  watchUnseen();
  if (rest.isResting || source.readyState === EventSource.CLOSED) connect();
}

// --- small comforts ---

log.addEventListener("keydown", (event) => {
  const group = event.target.closest(".choices");
  if (!group || event.repeat || event.ctrlKey || event.altKey || event.metaKey || !/^[1-9]$/.test(event.key)) return;
  if (performance.now() - group.closest(".line").dataset.shownAt < ARMED_MS) return;
  const answer = group.querySelectorAll(".answer")[Number(event.key) - 1];
  if (answer) choose(answer);
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  (log.querySelector(".choices") ?? box).focus();
});

document.addEventListener("click", ({ target }) => {
  if (!menu.contains(target)) menu.open = false;
  if (target.closest("[data-print]")) window.print();
  const copy = target.closest("[data-copy]");
  if (copy) copyAdvice(document.getElementById(copy.dataset.copy));
  const region = target.closest(".picture [data-answer]");
  if (region) tapRegion(region);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// The whole advice: all its messages that stand together.
async function copyAdvice(last) {
  const lines = [last];
  while (lines[0].previousElementSibling?.matches(".of-advice")) lines.unshift(lines[0].previousElementSibling);
  const parts = lines.flatMap((line) => [...line.querySelectorAll(".heading, .bubble > .text")]);
  try {
    await navigator.clipboard.writeText(parts.map((part) => part.textContent).join("\n\n"));
  } catch {
    const range = document.createRange();
    range.setStartBefore(parts[0]);
    range.setEndAfter(parts[parts.length - 1]);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (!document.execCommand("copy")) return;
  }
  say("note", words.copied);
}

function tapRegion(region) {
  const buttons = [...region.closest(".line").querySelectorAll(".answer")];
  const button = buttons.find(({ value }) => value.endsWith(`:${region.dataset.answer}`));
  if (button) choose(button);
}

// --- begin ---

box.value = kept("draft", "");
drawWaiting();
if (kept("focus", false)) {
  keep("focus", false);
  log.querySelector(".choices")?.focus({ preventScroll: true });
}
const first = unseenLines()[0];
if (first && root.scrollHeight - first.offsetTop > window.innerHeight - 180) first.scrollIntoView({ block: "start" });
else scrollToEnd();
watchUnseen();
connect();
if (waiting.length) deliver.now();
else if (!log.children.length) document.querySelector("#start button").click();
document.addEventListener("visibilitychange", lookAgain);
window.addEventListener("focus", lookAgain);
window.addEventListener("online", () => {
  connect();
  deliver.now();
});
window.addEventListener("pageshow", (event) => event.persisted && reload());
window.addEventListener("beforeunload", (event) => {
  if (waiting.length && !isReloading) event.preventDefault();
});

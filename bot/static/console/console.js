/* What the console does besides its forms: countdowns, news, and the keyboard. Everything works without it. */

(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("script");
  const language = root.lang;
  const offset = () => {
    const here = document.querySelector("[data-now]");
    return here ? Date.parse(here.dataset.now) - loadedAt : 0;
  };
  let loadedAt = Date.now();
  let skew = 0;

  /* --- time left --- */

  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]].map(([unit, length]) => ({
    length,
    format: new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }),
  }));

  function inWords(seconds, time) {
    const size = Math.abs(seconds);
    const unit = units.find((one) => size >= one.length * (one.length > 1 ? 1.5 : 0));
    const pattern = seconds > 0 ? time.dataset.left : time.dataset.late;
    return pattern.replace("{time}", unit.format.format(Math.floor(size / unit.length)));
  }

  function asClock(seconds) {
    const size = Math.abs(seconds);
    const two = (number) => String(number).padStart(2, "0");
    const sign = seconds < 0 ? "−" : "";
    return `${sign}${Math.floor(size / 3600)}:${two(Math.floor(size / 60) % 60)}:${two(size % 60)}`;
  }

  function tick() {
    const now = Date.now() + skew;
    for (const time of document.querySelectorAll(".deadline time")) {
      const seconds = Math.round((Date.parse(time.dateTime) - now) / 1000);
      const words = time.querySelector("[data-words]");
      const clock = time.querySelector("[data-clock]");
      if (!words || !clock) continue;
      const text = inWords(seconds, time);
      if (words.textContent !== text) words.textContent = text;
      clock.textContent = Math.abs(seconds) < 86400 ? asClock(seconds) : "";
      time.closest(".deadline").classList.toggle("late", seconds <= 0);
    }
  }

  function setClock() {
    loadedAt = Date.now();
    skew = offset();
    tick();
  }

  /* --- news --- */

  const worklist = document.getElementById("worklist");
  const kept = (name) => {
    try {
      return localStorage.getItem(name) === "yes";
    } catch {
      return false;
    }
  };
  const keep = (name, value) => {
    try {
      localStorage.setItem(name, value ? "yes" : "no");
    } catch {
      /* a private window keeps nothing */
    }
  };
  const urgentIds = () =>
    new Set([...document.querySelectorAll(".entry.tier-emergency, .entry.tier-12h")].map((row) => row.id));
  let known = worklist ? urgentIds() : new Set();

  function count() {
    const rows = document.getElementById("rows");
    if (!worklist || !rows) return;
    const urgent = Number(rows.dataset.urgent);
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = urgent ? `(${urgent}) ${title}` : title;
  }

  function beep() {
    const audio = new AudioContext();
    for (const [start, pitch] of [[0, 880], [0.2, 660]]) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.15, audio.currentTime + start);
      volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + start + 0.18);
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + start);
      tone.stop(audio.currentTime + start + 0.2);
    }
  }

  function announce() {
    const now = urgentIds();
    const isNew = [...now].some((id) => !known.has(id));
    known = now;
    if (!isNew) return;
    if (kept("cordwatch-sound")) beep();
    if (kept("cordwatch-notify") && window.Notification?.permission === "granted") {
      new Notification(worklist.dataset.title, { body: worklist.dataset.alert, tag: "cordwatch" });
    }
  }

  function toggle(selector, name, allow) {
    const button = document.querySelector(selector);
    if (!button) return;
    const show = () => button.setAttribute("aria-pressed", String(kept(name)));
    show();
    button.addEventListener("click", async () => {
      const wanted = !kept(name);
      keep(name, wanted && (await allow()));
      show();
    });
  }

  toggle("[data-sound]", "cordwatch-sound", async () => {
    beep();
    return true;
  });
  toggle("[data-notify]", "cordwatch-notify", async () => {
    return Boolean(window.Notification) && (await Notification.requestPermission()) === "granted";
  });

  document.addEventListener("htmx:afterSettle", () => {
    setClock();
    count();
    if (worklist) announce();
    mark();
  });
  const connection = document.getElementById("connection");
  if (connection) {
    document.addEventListener("htmx:sendError", () => (connection.textContent = connection.dataset.lost));
    document.addEventListener("htmx:responseError", () => (connection.textContent = connection.dataset.lost));
    document.addEventListener("htmx:afterOnLoad", () => (connection.textContent = ""));
  }

  /* --- the conversation --- */

  // what the nurse has opened stays open when news comes in
  if (window.Idiomorph) {
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
      !(name === "open" && node.tagName === "DETAILS") && name !== "aria-pressed";
  }

  function unfold(button) {
    const isOpen = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOpen));
    for (const part of document.querySelectorAll(".said details")) part.open = isOpen;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-unfold]");
    if (button) unfold(button);
  });

  /* --- the keyboard --- */

  let current = null;

  function mark() {
    for (const row of document.querySelectorAll(".entry")) row.classList.toggle("current", row.id === current);
  }

  function step(by) {
    const rows = [...document.querySelectorAll(".entry")];
    if (!rows.length) return;
    const focused = document.activeElement?.closest(".entry");
    const at = rows.findIndex((row) => row === focused || (!focused && row.id === current));
    const row = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    current = row.id;
    mark();
    row.querySelector("h2 a").focus();
  }

  function openPart(id, selector) {
    const part = document.getElementById(id);
    if (!part) return;
    part.open = true;
    part.querySelector(selector)?.focus();
  }

  function take() {
    const row = document.activeElement?.closest(".entry") ?? document.getElementById(current ?? "");
    (row?.querySelector(".who button") ?? document.getElementById("take"))?.click();
  }

  const shortcuts = document.getElementById("shortcuts");
  const keys = {
    "?": () => shortcuts?.showModal(),
    "/": () => document.getElementById("q")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    t: take,
    w: () => (location.href = document.querySelector("a.home").href),
    r: () => openPart("reply", "textarea, select"),
    n: () => openPart("note", "textarea"),
    c: () => openPart("close", "button"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || shortcuts?.open) return;
    if (event.target.closest("input, textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.querySelector("[data-shortcuts]")?.addEventListener("click", () => shortcuts.showModal());
  document.addEventListener("click", (event) => {
    const menu = document.getElementById("menu");
    if (menu?.open && !menu.contains(event.target)) menu.open = false;
  });

  /* --- once --- */

  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  if (location.hash.length > 1) {
    const part = document.getElementById(location.hash.slice(1));
    if (part?.tagName === "DETAILS") part.open = true;
  }
  setClock();
  count();
  setInterval(tick, 1000);
})();

// What happened, newest first: filters and reasons.

import { at, make, clockTime, site, announce, whenSiteChanges } from "./page.js";
import { words, tone } from "./words.js";
import { select } from "./retell.js";

/** Kept in memory: thousands of events must not slow the page down. */
const MOST_KEPT = 5000;
/** Drawn at once, and again whenever a reader comes to the end of what is drawn. */
const PIECE = 200;
const MOST_SESSIONS = 100;

let kept = [];
let fresh = [];
let isDrawn = true;
/** Number of the oldest event that is drawn: all before it wait until a reader scrolls to them. */
let oldest = Infinity;
const kinds = new Set();
const sessions = new Map();
const form = at("filters");

const choice = (name) => form.elements[name].value;

function passes(event) {
  const [kind, session, said] = [choice("kind"), choice("session"), choice("words").toLowerCase()];
  const tones = { "": null, matters: ["good", "warn", "bad"], bad: ["bad", "warn"] }[choice("tone")];
  return (!tones || tones.includes(tone(event)))
    && (!kind || event.event === kind)
    && (!session || String(event.session) === session)
    && (!form.elements["this-site"].checked || event.site === site())
    && (!said || `${words(event).join(" ")} ${event.event} ${event.site ?? ""}`.toLowerCase().includes(said));
}

function row(event) {
  const [headline, reason] = words(event);
  return make("li", { "data-tone": tone(event) },
    make("time", {}, clockTime(event.time)),
    make("span", {}, event.site ?? ""),
    make("span", { class: "what" }, make("b", {}, headline), " ", make("code", {}, event.event),
      reason ? make("small", {}, reason) : null),
    // No stop for the tab key: there are hundreds. By keyboard, the numbers are typed into the selection.
    make("button", { type: "button", class: "number", tabindex: -1, "data-key": event.sequence, "aria-label": `Select event ${event.sequence}`, onclick: () => select(event.sequence) },
      `${event.sequence}`));
}

function count() {
  const shown = at("events").children.length;
  at("event-count").textContent = `${shown} shown, ${kept.length} kept`;
}

function redraw() {
  at("events").replaceChildren();
  at("events").scrollTop = 0;
  oldest = Infinity;
  fresh = [];
  drawOlder();
}

/** One more piece of what happened before. */
function drawOlder() {
  const rows = [];
  for (let index = kept.length - 1; index >= 0 && rows.length < PIECE; index--) {
    if (kept[index].sequence >= oldest || !passes(kept[index])) continue;
    rows.push(row(kept[index]));
  }
  // Where nothing more fits, all has been looked at.
  oldest = rows.length < PIECE ? 0 : Number(rows.at(-1).lastElementChild.dataset.key);
  at("events").append(...rows);
  count();
}

/** At most once a frame, whatever comes. */
function drawFresh() {
  isDrawn = true;
  const list = at("events");
  const coming = fresh.filter(passes);
  fresh = [];
  // Where nobody reads further down, the newest piece is enough.
  const isTop = list.scrollTop === 0;
  if (isTop && (coming.length >= PIECE || list.children.length > 2 * PIECE)) return redraw();
  // A reader who has scrolled down keeps their place.
  const height = list.scrollHeight, top = list.scrollTop;
  list.prepend(...coming.reverse().map(row));
  while (list.children.length > MOST_KEPT) list.lastElementChild.remove();
  if (top > 0) list.scrollTop = top + (list.scrollHeight - height);
  count();
}

function addOption(select, value, label) {
  form.elements[select].append(make("option", { value }, label));
}

export function heard(event, isNewStack, isEarlier) {
  if (isNewStack) {
    kept = [];
    redraw();
  }
  kept.push(event);
  if (kept.length > MOST_KEPT + 500) kept.splice(0, kept.length - MOST_KEPT);
  if (!kinds.has(event.event)) {
    kinds.add(event.event);
    addOption("kind", event.event, event.event);
  }
  if (event.event === "authentication.succeeded" || event.event === "authentication.failed") {
    const { session, user } = event;
    if (!sessions.has(session)) {
      sessions.set(session, user);
      addOption("session", session, `${session}, ${user}`);
      const options = form.elements.session.options;
      if (options.length > MOST_SESSIONS) options[1].remove();
    }
  }
  fresh.push(event);
  if (isDrawn) {
    isDrawn = false;
    requestAnimationFrame(drawFresh);
  }
  if (!isEarlier && ["good", "bad"].includes(tone(event))) announce(`${event.site ?? ""} ${words(event)[0]}`.trim());
}

export function start() {
  // What is typed tells at once; what is chosen tells at the latest when it has changed.
  for (const change of ["input", "change"]) form.addEventListener(change, redraw);
  form.addEventListener("submit", (event) => event.preventDefault());
  const list = at("events");
  list.addEventListener("scroll", () => {
    if (oldest > 0 && list.scrollTop + 2 * list.clientHeight > list.scrollHeight) drawOlder();
  }, { passive: true });
  whenSiteChanges(() => form.elements["this-site"].checked && redraw());
}

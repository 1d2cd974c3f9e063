// Starts every part, and hands each event to those it concerns.

import { follow } from "./api.js";
import { at, attempt, problem } from "./page.js";
import * as clock from "./clock.js";
import * as sites from "./sites.js";
import * as transfers from "./transfers.js";
import * as files from "./files.js";
import * as timeline from "./timeline.js";
import * as handover from "./handover.js";
import * as retell from "./retell.js";
import * as warehouse from "./warehouse.js";
import * as faults from "./faults.js";

/** What is asked anew after events whose kind begins so. */
const CONCERNED = [
  [/^(stack|clock|mover)\./, clock.refresh],
  [/^(stack|site|key|addresses)\./, sites.refresh],
  [/^(stack|upload|file|move|mover|directory|clock|warehouse|site)\./, files.refresh],
  [/^(stack|warehouse|site)\./, warehouse.refresh],
  [/^(stack|fault)\./, faults.refresh],
];

function heard(event, { isNewStack, isEarlier }) {
  timeline.heard(event, isNewStack, isEarlier);
  transfers.heard(event);
  for (const [kinds, refresh] of CONCERNED) if (kinds.test(event.event)) refresh();
}

function told(state, missed) {
  at("link").dataset.state = state;
  at("link").textContent = { live: "live", waiting: "no line to the stack" }[state];
  if (state === "live") problem(missed ? `events ${missed.first} to ${missed.last} are missing: ${missed.reason}` : null);
}

for (const part of [clock, sites, handover, files, timeline, retell, warehouse, faults]) part.start();
transfers.refresh();
attempt(() => follow(heard, told));

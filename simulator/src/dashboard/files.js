// The three areas of a site's files, and what will move when.

import { get } from "./api.js";
import { at, make, fill, size, soon, site, clockTime, whenSiteChanges } from "./page.js";
import { moverOf } from "./clock.js";

/** More are counted, not listed. */
const MOST_FILES = 200;

const pattern = (text) => new RegExp(`^${text.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`, "i");

/** What will become of a file in the inbox. */
function fate(path, leaves, open) {
  const name = path.split("/").at(-1);
  const temporary = leaves.temporary_names.find((text) => pattern(text).test(name));
  if (temporary) return `stays: ${temporary} is a temporary name`;
  const mover = moverOf(path.split("/")[0]);
  if (!mover) return "no mover takes this folder";
  if (open.has(path) && leaves.open) return "being written: stays until it is closed";
  const settles = leaves.settle_seconds ? `, once it has rested ${leaves.settle_seconds} s` : "";
  return `moves ${clockTime(mover.at)} (${mover.name})${settles}`;
}

export const refresh = soon(async () => {
  const code = site();
  if (!code) return;
  const area = (name) => get(`sites/${encodeURIComponent(code)}/files?area=${name}`);
  const [inbox, cloud, out, { leaves }, { transfers }] =
    await Promise.all([area("inbox"), area("cloud"), area("out"), get("movers"), get("transfers")]);
  if (code !== site()) return;
  const open = new Set(transfers.filter((transfer) => transfer.site === code).map((transfer) => transfer.path));
  show("inbox", inbox.files, (path) => fate(path, leaves, open));
  show("cloud", cloud.files);
  show("out", out.files);
});

function show(id, files, note) {
  const only = files.filter((file) => file.kind === "file");
  const rows = only.slice(0, MOST_FILES).map((file) => make("li", {},
    file.path, " ", make("span", { class: "quiet" }, size(file.size_bytes)),
    note ? make("span", { class: "note" }, note(file.path)) : null));
  if (only.length > MOST_FILES) rows.push(make("li", { class: "none" }, `and ${only.length - MOST_FILES} more`));
  fill(at(id), rows, "empty");
}

export function start() {
  whenSiteChanges(refresh);
}

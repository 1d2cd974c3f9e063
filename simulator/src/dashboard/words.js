// Each kind of event in plain words. `tone` is good, warn, bad or nothing.

import { size, clockTime } from "./page.js";

const list = (items) => (items ?? []).join(", ");
const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

/** What of a fault is not as usual: `at write, times 1`. */
export const fields = (spec) => Object.entries(spec)
  .filter(([name, value]) => name !== "fault" && value !== null && value !== 0).map(([name, value]) => `${name} ${value}`).join(", ");

/** Kind: words, and the reason or advice below them. */
const WORDS = {
  "stack.started": () => ["The stack is up"],
  "stack.stopped": () => ["The stack was stopped"],
  "clock.advanced": (e) => [`Time was moved on to ${clockTime(e.to)}`],
  "connection.opened": (e) => [`A client connected from ${e.address}`],
  "connection.refused": (e) => [`A connection from ${e.address} was turned away`, e.reason],
  "connection.closed": (e) => ["The connection ended", e.reason],
  "client.identified": (e) => [`The client is ${e.banner}`],
  "authentication.failed": (e) => [`The login of ${e.user} was refused`, e.reason],
  "authentication.succeeded": (e) => [`${e.user} logged in from ${e.address}`, e.fingerprint],
  "channel.refused": (e) => [`The client asked for ${e.request}, which is not served`, e.detail],
  "session.started": (e) => [`An SFTP session began, version ${e.client_version}`],
  "upload.started": (e) => [`Upload of ${e.path} began`, e.resumed_at_bytes ? `goes on at ${size(e.resumed_at_bytes)}` : ""],
  "upload.finished": (e) => [`${e.path} was uploaded, ${size(e.size_bytes)}`, e.volatile ? `${size(e.volatile.bytes_per_second)} a second` : ""],
  "upload.interrupted": (e) => [`Upload of ${e.path} broke off after ${size(e.written_bytes)}`, e.reason],
  "download.finished": (e) => [`${e.path} was downloaded, ${size(e.read_bytes)}`],
  "file.renamed": (e) => [`${e.from} was renamed to ${e.to}`, e.replaced ? "it replaced the file of that name" : ""],
  "file.removed": (e) => [`${e.path} was removed by the client`],
  "directory.made": (e) => [`Folder ${e.path} was made`],
  "directory.removed": (e) => [`Folder ${e.path} was removed`],
  "attributes.refused": (e) => [`This client tried to set ${list(e.aspects)} of ${e.path}: refused with status ${e.status}; the file itself is stored`, e.advice],
  "attributes.ignored": (e) => [`A change of ${list(e.aspects)} of ${e.path} was answered with success and not done`],
  "attributes.applied": (e) => [`${list(e.aspects)} of ${e.path} was set`],
  "operation.refused": (e) => [`${e.operation} ${e.path} was refused with status ${e.status}`, e.reason],
  "name.warned": (e) => [`${e.path} has a name that Windows cannot hold`, e.reason],
  "request.received": (e) => [`${e.operation} ${e.path}${e.to ? ` to ${e.to}` : ""}${e.count > 1 ? `, ${e.count} times` : ""}`, list([...(e.flags ?? []), ...(e.attributes ?? [])])],
  "request.refused": (e) => [`${e.operation} ${e.path} was answered with status ${e.status}`],
  "fault.armed": (e) => [`Fault ${e.fault} was armed, number ${e.id}`, fields(e.specification)],
  "fault.disarmed": (e) => [`Fault ${e.fault} was disarmed, number ${e.id}`],
  "fault.fired": (e) => [`Fault ${e.fault} struck at ${e.operation || "the connection"} ${e.path}`],
  "site.requested": (e) => ["The site handed over key and addresses", `provisioned by ${clockTime(e.due)}`],
  "site.provisioned": () => ["The site was provisioned: it can log in"],
  "site.tested": () => ["The site logged in for the first time"],
  "site.suspended": () => ["The site was suspended"],
  "site.resumed": () => ["The site was let in again"],
  "site.removed": () => ["The site was removed with its files"],
  "key.accepted": (e) => [`A key of ${e.bits} bits was taken`, e.fingerprint],
  "key.refused": (e) => [`A key was refused: ${e.reason}`, e.message],
  "key.removed": (e) => ["A key was removed", e.fingerprint],
  "addresses.changed": (e) => [`The site connects from ${list(e.addresses)}`],
  "mover.finished": (e) => [`The ${e.mover} mover has run: ${e.moved} moved, ${e.left} left, ${e.failed} failed`],
  "file.moved": (e) => [`${e.path} was moved to the client folder, ${size(e.size_bytes)}`, e.replaced ? "the file it replaced is kept as history" : ""],
  "file.left": (e) => [`${e.path} was left for the next run`, e.reason],
  "move.failed": (e) => [`${e.path} could not be moved`, e.error],
  "database.warned": (e) => [`${e.path} is not what the nightly load expects`, e.reason],
  "warehouse.inspected": (e) => [`${e.path} was read: ${e.accepted ? `a backup of ${e.database}, ${count(e.tables ?? 0, "table")}` : "refused"}`, list([...(e.reasons ?? []), ...(e.warnings ?? [])])],
  "table.loaded": (e) => [`Table ${e.table}: ${count(e.rows, "row")}`, list(e.warnings)],
  "snapshot.written": (e) => [`Snapshot ${e.path}: ${count(e.records, "record")}`, list(e.notices)],
  "snapshot.skipped": (e) => [`Row ${e.row} of the metadata table gave no snapshot`, e.reason],
  "warehouse.restored": (e) => [`A SQL Server has restored the backup: ${count(e.tables, "table")}, ${count(e.rows, "row")} in its production`, e.server],
  "warehouse.loaded": (e) => [`Load ${e.load} is live: ${count(e.tables, "table")}, ${count(e.rows, "row")}, ${count(e.snapshots, "snapshot")}`],
  "warehouse.changed": (e) => [`${e.user} changed production over SQL; generation ${e.load} is live`, list([...(e.tables ?? []), ...(e.removed ?? []).map((table) => `${table} removed`)])],
  "warehouse.failed": (e) => [`${e.path} was not loaded; readers see what they saw before`, list(e.reasons)],
};

const GOOD = ["upload.finished", "file.moved", "warehouse.loaded", "authentication.succeeded", "site.provisioned", "key.accepted"];
const WARN = ["name.warned", "database.warned", "file.left", "snapshot.skipped", "attributes.ignored", "fault.fired", "site.suspended"];
const BAD = ["upload.interrupted", "move.failed", "warehouse.failed", "authentication.failed"];

export function tone(e) {
  if (BAD.includes(e.event) || e.event.endsWith(".refused") || (e.event === "warehouse.inspected" && !e.accepted)) return "bad";
  if (WARN.includes(e.event)) return "warn";
  return GOOD.includes(e.event) ? "good" : "";
}

/** Headline and reason; a kind that the page does not know tells its fields. */
export function words(e) {
  const known = WORDS[e.event];
  if (known) return known(e);
  const { sequence, time, event, site, volatile, ...rest } = e;
  return [event, JSON.stringify(rest)];
}

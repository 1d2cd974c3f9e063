// Uploads in progress: who, what, how much, how fast.

import { get } from "./api.js";
import { at, make, fill, size, soon } from "./page.js";

const ASK_EVERY_MS = 1000;
/** Session number: address and client. */
const sessions = new Map();
/** Site and path: session. */
const writers = new Map();
let before = new Map();
let open = false;
let timer = null;

export function heard(event) {
  const { session } = event;
  if (event.event === "connection.opened") sessions.set(session, { address: event.address, banner: "" });
  if (event.event === "client.identified") sessions.set(session, { ...sessions.get(session), banner: event.banner });
  if (event.event === "connection.closed") sessions.delete(session);
  if (event.event === "upload.started") writers.set(`${event.site}/${event.path}`, session);
  if (event.event === "upload.finished" || event.event === "upload.interrupted") writers.delete(`${event.site}/${event.path}`);
  if (event.event.startsWith("upload.") || event.event === "connection.closed") refresh();
}

export const refresh = soon(async () => {
  const { transfers } = await get("transfers");
  open = transfers.length > 0;
  const now = performance.now();
  const seen = new Map();
  fill(at("transfer-rows"), transfers.map((transfer) => {
    const name = `${transfer.site}/${transfer.path}`;
    const last = before.get(name);
    // Between two askings at least; a rate from a blink would jump.
    const rate = last && now > last.at ? (transfer.written_bytes - last.bytes) * 1000 / (now - last.at) : null;
    seen.set(name, { bytes: transfer.written_bytes, at: now });
    const { banner, address } = sessions.get(writers.get(name)) ?? {};
    const done = size(transfer.written_bytes) + (rate === null ? "" : `, ${size(Math.max(0, rate))} a second`);
    return make("li", {},
      make("b", {}, name), ` ${done}`,
      // How large it will be, SFTP does not tell.
      make("progress", { "aria-label": `${name} is being uploaded` }),
      make("div", { class: "quiet" }, [banner, address && `from ${address}`].filter(Boolean).join(" ")));
  }), "none");
  before = seen;
  clearTimeout(timer);
  if (open && !document.hidden) timer = setTimeout(refresh, ASK_EVERY_MS);
});

// Known fraudsters: the lists, their entries, registering a voice and removing one.

import { inDomain, send } from "../api.js";
import { el, field, select, table } from "../dom.js";
import { plain, time, who } from "../format.js";
import { inBase64 } from "../recording.js";
import { acting } from "./parts.js";

export const TITLE = "Watchlists";
const DAYS = 365;

/** Shows the lists, and the entries of the one that is chosen. */
export async function show(context) {
  const { watchlists } = await send("GET", inDomain(context.domain, "watchlists"));
  const [chosen] = context.parts;
  const rows = watchlists.map((each) => [
    el("a", { href: context.address("watchlists", [each.watchlist]) }, each.watchlist),
    { number: String(each.fraudsters) },
  ]);
  return el(
    "section",
    {},
    el("h1", {}, chosen ? `Watchlist ${chosen}` : "Watchlists"),
    rows.length ? table("Lists with entries", ["List", { number: "Entries" }], rows) : el("p", {}, "No voice is registered."),
    chosen ? await entries(context, chosen) : null,
    registering(context, chosen),
  );
}

async function entries(context, list) {
  const { cursor } = context.query;
  const page = await send("GET", inDomain(context.domain, "watchlists", list, "fraudsters"), { query: { limit: 50, cursor } });
  const place = el("div");
  const rows = page.fraudsters.map((each) => [
    each.fraudster,
    { number: plain(each.speech_seconds) },
    each.channels.join(", "),
    each.legal_basis,
    each.reason,
    who(each.author),
    time(each.expires_at),
    removal(context, each, place),
  ]);
  const more = page.next_cursor && context.address("watchlists", [list], { cursor: page.next_cursor });
  const heads = ["Entry", { number: "Speech, s" }, "Bands", "Legal basis", "Reason", "Author", "Expires (UTC)", ""];
  return el("div", {}, table("Entries", heads, rows), place, more && el("a", { href: more, class: "more" }, "Next page"));
}

function removal(context, entry, place) {
  const remove = acting(
    place,
    async (event) => {
      // Asked again by the same button: a dialog of the browser cannot be read by everybody.
      const button = event.currentTarget ?? event.target;
      if (button.dataset.sure !== "yes") {
        button.dataset.sure = "yes";
        button.textContent = "Remove for good?";
        return "Press again to remove the entry for good.";
      }
      await send("DELETE", inDomain(context.domain, "watchlists", entry.watchlist, "fraudsters", entry.fraudster));
      await context.again();
    },
    "The entry is removed.",
  );
  return el("button", { type: "button", class: "plain", onclick: remove, "aria-label": `Remove ${entry.fraudster}` }, "Remove");
}

function registering(context, chosen) {
  const place = el("div");
  const input = (name, attributes = {}) => el("input", { name, autocomplete: "off", ...attributes });
  const register = acting(place, async (event) => {
    const given = Object.fromEntries(new FormData(event.target));
    const body = { legal_basis: given.legal_basis, reason: given.reason, expires_at: new Date(`${given.expires}T00:00:00Z`).toISOString() };
    if (given.by === "session") body.session = given.session;
    else body.audio = { content: await inBase64(given.audio), encoding: given.audio.name.endsWith(".flac") ? "flac" : "wav" };
    const path = inDomain(context.domain, "watchlists", given.watchlist, "fraudsters", given.fraudster);
    const answer = await send("PUT", path, { body });
    await context.again();
    const same = (answer.same_voice ?? []).length;
    return `${given.fraudster} is registered${same ? `; ${same} other entries may be the same voice` : ""}.`;
  });
  const until = new Date(Date.now() + DAYS * 24 * 3600 * 1000).toISOString().slice(0, 10);
  return el(
    "form",
    { class: "panel", id: "register", onsubmit: register },
    el("h2", {}, "Register a voice"),
    field("List", input("watchlist", { required: true, value: chosen ?? "" })),
    field("Entry", input("fraudster", { required: true }), "your reference; no name of a person"),
    field("From", select("by", [["audio", "a recording"], ["session", "a session of the last day"]], "audio")),
    field("Recording", input("audio", { type: "file", accept: ".wav,.flac" }), "WAV or FLAC of this voice alone, up to 3.9 MB"),
    field("Session", input("session")),
    field("Legal basis", input("legal_basis", { required: true }), "your reference to the assessment that lets you keep the voice"),
    field("Reason", input("reason", { required: true })),
    field("Expires", input("expires", { type: "date", required: true, value: until })),
    el("button", {}, "Register"),
    place,
  );
}

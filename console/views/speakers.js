// Speakers: status, consent, what their voiceprints are made of, and opting out.

import { inDomain, send } from "../api.js";
import { el, facts, table } from "../dom.js";
import { plain, time } from "../format.js";
import { acting } from "./parts.js";

export const TITLE = "Speakers";

/** Shows the list of speakers, or one of them. */
export async function show(context) {
  const [name] = context.parts;
  return name ? one(context, name) : list(context);
}

async function list(context) {
  const page = await send("GET", inDomain(context.domain, "speakers"), { query: { limit: 50, cursor: context.query.cursor } });
  const rows = page.speakers.map((each) => [
    el("a", { href: context.address("speakers", [each.speaker]) }, each.speaker),
    each.status,
    { number: plain(each.total_speech_seconds) },
    each.channels.join(", ") || "–",
    each.consent ? time(each.consent.given_at) : "–",
    time(each.updated_at),
  ]);
  const more = page.next_cursor && context.address("speakers", [], { cursor: page.next_cursor });
  const heads = ["Speaker", "Status", { number: "Speech, s" }, "Bands", "Consent given (UTC)", "Changed (UTC)"];
  return el(
    "section",
    {},
    el("h1", {}, "Speakers"),
    rows.length ? table("Speakers", heads, rows) : el("p", {}, "Nobody is enrolled."),
    more && el("a", { href: more, class: "more" }, "Next page"),
  );
}

async function one(context, name) {
  const path = (...parts) => inDomain(context.domain, "speakers", name, ...parts);
  const [speaker, made] = await Promise.all([send("GET", path()), send("GET", path("contributions"))]);
  const { consent } = speaker;
  const rows = made.contributions.map((each) => [
    time(each.at),
    { number: plain(each.speech_seconds) },
    each.channel,
    each.liveness ?? "–",
    each.taken_back_at ? `taken back ${time(each.taken_back_at)}` : each.counts ? "counts" : "does not count",
  ]);
  return el(
    "section",
    {},
    el("h1", {}, `Speaker ${speaker.speaker}`),
    facts([
      ["Status", speaker.status],
      ["Speech", `${plain(speaker.total_speech_seconds)} s, ${plain(speaker.missing_speech_seconds)} s missing`],
      ["Bands", speaker.channels.join(", ")],
      ["Consent", consent && `${consent.receipt_id}, ${time(consent.given_at)}`],
      ["Purpose", consent?.purpose],
      ["Consent ends", consent?.expires_at && time(consent.expires_at)],
      ["Opted out", speaker.opted_out_at && time(speaker.opted_out_at)],
    ]),
    el("p", {}, el("a", { href: context.address("decisions", [], { speaker: name, range: "30d" }) }, "Decisions on this speaker")),
    rows.length ? table("Contributions", ["At (UTC)", { number: "Speech, s" }, "Band", "Liveness", "In the voiceprint"], rows) : null,
    speaker.status === "OPTED_OUT" ? null : optOut(context, path),
  );
}

function optOut(context, path) {
  const place = el("div");
  const sure = el("input", { type: "checkbox", name: "sure", required: true });
  const go = acting(
    place,
    async () => {
      await send("POST", path("opt-out"));
      await context.again();
    },
    "The speaker has opted out.",
  );
  return el(
    "form",
    { class: "panel", onsubmit: go },
    el("h2", {}, "Opt out"),
    el("p", {}, "Deletes the voiceprint. The speaker has to enroll anew, with a new consent, to be recognized again."),
    el("label", { class: "check" }, sure, " Delete the voiceprint of this speaker"),
    el("button", {}, "Opt out"),
    place,
  );
}

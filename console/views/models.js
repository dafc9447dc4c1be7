// Models: champion and challenger, what became of promotions, and both on the same calls.

import { ApiError, inDomain, send } from "../api.js";
import { el, facts, table } from "../dom.js";
import { nats, time, who } from "../format.js";

export const TITLE = "Models";
const NONE = "none";

/** Shows the registry, its history, and the domain's results side by side. */
export async function show(context) {
  const [aliases, history, versions, shadow] = await Promise.all([
    send("GET", "/v1/registry"),
    send("GET", "/v1/promotions", { query: { limit: 20 } }),
    send("GET", "/v1/models", { query: { limit: 20 } }),
    send("GET", inDomain(context.domain, "shadow")).catch(absent),
  ]);
  return el(
    "section",
    {},
    el("h1", {}, "Models"),
    facts([
      ["Champion", named(aliases.champion)],
      ["Challenger", named(aliases.challenger)],
      ["Before the champion", named(aliases.previous)],
      ["Under way", aliases.pending && `${aliases.pending.kind} of ${short(aliases.pending.digest)}: ${aliases.pending.state}`],
    ]),
    registered(versions.versions),
    sideBySide(context, shadow),
    promotions(history.entries),
  );
}

function absent(error) {
  if (error instanceof ApiError && error.status === 404) return { results: [] };
  throw error;
}

const short = (digest) => digest.slice(0, 16);
const named = (digest) => (digest ? el("code", { title: digest }, short(digest)) : NONE);

function registered(versions) {
  const rows = versions.map((each) => [
    named(each.digest),
    each.status,
    each.gates_passed === null ? "not told" : each.gates_passed ? "passed" : "not passed",
    time(each.registered_at),
    who(each.registered_by),
  ]);
  return el("section", {}, el("h2", {}, "Versions"), rows.length ? table("Versions", ["Bundle", "Status", "Gates", "Registered (UTC)", "By"], rows) : el("p", {}, "No version is registered."));
}

function sideBySide(context, { results }) {
  const rows = results.map((each) => [
    el("a", { href: context.address("decision", [each.decision_id]) }, time(each.decided_at)),
    each.champion.decision ?? "–",
    each.challenger.decision ?? "–",
    { number: nats(each.champion.speaker_llr) },
    { number: nats(each.challenger.speaker_llr) },
    { number: nats(each.champion.liveness_llr) },
    { number: nats(each.challenger.liveness_llr) },
  ]);
  const numbers = ["LLR, champion", "LLR, challenger", "Liveness, champion", "Liveness, challenger"].map((number) => ({ number }));
  return el(
    "section",
    {},
    el("h2", {}, "Champion and challenger on the same calls"),
    rows.length ? table("Calls that both judged", ["Time (UTC)", "Champion", "Challenger", ...numbers], rows) : el("p", {}, "There is none."),
  );
}

function promotions(entries) {
  const rows = entries.map((each) => [time(each.at), each.action, named(each.digest), who(each.principal), each.reason]);
  return el("section", {}, el("h2", {}, "History"), rows.length ? table("What became of versions", ["At (UTC)", "What", "Bundle", "By", "Reason"], rows) : el("p", {}, "There is none."));
}

// What another policy would have decided: the new mix, what it costs genuine callers, and the decisions that change.

import { inDomain, pages } from "../../api.js";
import { thresholds } from "../../costs.js";
import { el, facts, table } from "../../dom.js";
import { nats, percent, plain, range as bounds, time } from "../../format.js";
import { costMap, mixBars } from "../../plot.js";
import { SETTINGS } from "../../words.js";
import { badge } from "../parts.js";

// Pages of 500 decisions that one question reads.
const MOST_PAGES = 10;
const KINDS = ["ACCEPT", "STEP_UP", "REJECT", "INCONCLUSIVE"];
// Newest question of each place: a form that is gone may still ask for its own.
const asked = new WeakMap();

/** Asks and shows the answer in `place`; an answer that another question overtook is dropped. */
export async function whatIf(context, { active, changes, range }, place) {
  const question = {};
  asked.set(place, question);
  place.setAttribute("aria-busy", "true");
  try {
    const body = { policy: changes, ...bounds(range, new Date()), limit: 500 };
    const found = await compared(inDomain(context.domain, "policy", "what-if"), body);
    if (asked.get(place) === question) place.replaceChildren(...shown(context, active, changes, found));
  } finally {
    if (asked.get(place) === question) place.removeAttribute("aria-busy");
  }
}

async function compared(path, body) {
  const found = { counts: [], flips: [], untold: 0, compared: 0, costs: null };
  const { more } = await pages("POST", path, { body }, MOST_PAGES, (page) => {
    found.counts.push(...page.counts);
    found.flips.push(...page.flips);
    found.untold += page.untold;
    found.compared += page.compared;
    found.costs = added(found.costs, page.expected_costs);
  });
  return { ...found, more };
}

function added(one, other) {
  if (!one) return other;
  const both = (name) => ({ before: one[name].before + other[name].before, after: one[name].after + other[name].after });
  return { by_former: both("by_former"), by_other: both("by_other") };
}

function shown(context, active, changes, found) {
  const policy = { ...active, ...changes };
  return [
    el("h2", {}, Object.keys(changes).length ? "It would have decided" : "The active policy, on the same decisions"),
    el("p", { class: "quiet" }, said(changes, found)),
    stopped(context, found),
    mixBars(mix(found.counts, "before"), mix(found.counts, "after")),
    genuine(found.counts),
    costs(found.costs),
    costMap(policy, [], `Where the policy accepts: ${described(policy)}`),
    flips(context, found.flips),
  ];
}

function said(changes, found) {
  const named = Object.entries(changes).map(([name, value]) => `${SETTINGS[name] ?? name}: ${[value].flat().join(", ") || "none"}`);
  const untold = found.untold ? ` ${found.untold} cannot be compared.` : "";
  const rest = found.more ? " There are more in this time, which were not read." : "";
  return `${named.join("; ") || "No change"}. ${found.compared} decisions compared.${untold}${rest}`;
}

function described(policy) {
  const limits = thresholds(policy);
  return `speaker from ${nats(limits.accept)}, liveness from ${nats(limits.liveness)}`;
}

const total = (counts, wanted) => counts.filter(wanted).reduce((sum, each) => sum + each.count, 0);
const mix = (counts, side) => Object.fromEntries(KINDS.map((kind) => [kind, total(counts, (each) => each[side] === kind)]));

/** Says what becomes of the decision that the question came from. */
function stopped(context, found) {
  const id = context.query.for;
  if (!id) return null;
  const flip = found.flips.find((each) => each.decision_id === id);
  const link = el("a", { href: context.address("decision", [id]) }, "the decision that you came from");
  const text = flip ? ` would have been ${flip.after}, not ${flip.before}.` : " is not among the changes that are listed.";
  return el("p", { class: flip ? "good" : "warning", id: "stopped" }, link, text);
}

/** Says what becomes of callers by their outcome, the genuine first. */
function genuine(counts) {
  const rows = ["genuine", "fraud", "unknown"].map((outcome) => {
    const of = (wanted) => total(counts, (each) => each.outcome === outcome && wanted(each));
    const accepted = of((each) => each.before === "ACCEPT");
    const asked = of((each) => each.before === "ACCEPT" && each.after === "STEP_UP");
    const rejected = of((each) => each.before !== "REJECT" && each.after === "REJECT");
    const let_in = of((each) => each.before !== "ACCEPT" && each.after === "ACCEPT");
    const name = outcome === "unknown" ? "no outcome" : outcome;
    const share = accepted ? percent(asked / accepted) : "–";
    return [name, ...[accepted, asked, share, rejected, let_in].map((value) => ({ number: String(value) }))];
  });
  const heads = ["Outcome", ...["accepted now", "would be asked instead", "share", "newly rejected", "newly accepted"].map((number) => ({ number }))];
  return table("What it does to callers", heads, rows, { id: "callers" });
}

function costs({ by_former: former, by_other: other }) {
  const change = ({ before, after }) => `${plain(before, 4)} → ${plain(after, 4)}`;
  return facts([
    ["Expected cost, by the policies that decided", change(former)],
    ["Expected cost, by this policy", change(other)],
  ]);
}

function flips(context, all) {
  if (!all.length) return el("p", {}, "No decision changes.");
  const rows = all.slice(0, 20).map((each) => [
    el("a", { href: context.address("decision", [each.decision_id]) }, time(each.decided_at)),
    badge(each.before),
    badge(each.after),
    each.outcome === "unknown" ? "–" : each.outcome,
    { number: `${plain(each.expected_cost.before)} → ${plain(each.expected_cost.after)}` },
  ]);
  return table("Decisions that change, the dearest first", ["Time (UTC)", "Was", "Would be", "Outcome", { number: "Expected cost" }], rows);
}

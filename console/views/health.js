// The service: whether it answers, whether acceptances are stopped, and whether calls have drifted from the baseline.

import { inDomain, send } from "../api.js";
import { el, facts, field, table } from "../dom.js";
import { nats, plain, time, who } from "../format.js";
import { acting } from "./parts.js";

export const TITLE = "Health";

/** Shows health, brake, drift and realized error rates. */
export async function show(context) {
  const [health, brake, drift, rates] = await Promise.all([
    send("GET", "/v1/health"),
    send("GET", inDomain(context.domain, "brake")),
    send("GET", inDomain(context.domain, "drift")),
    send("GET", inDomain(context.domain, "performance")),
  ]);
  return el(
    "section",
    {},
    el("h1", {}, "Service health"),
    facts([
      ["Service", `answers, version ${health.version}, stage ${health.stage}`],
      ["Brake of the domain", brake.on ? `on since ${time(brake.since)}: ${brake.reason}` : "off"],
    ]),
    brakeForm(context, brake),
    performance(rates),
    windows(drift),
  );
}

function brakeForm(context, brake) {
  const place = el("div");
  const why = el("input", { name: "reason", required: true, maxlength: 200, autocomplete: "off" });
  const path = inDomain(context.domain, "brake");
  const pull = acting(
    place,
    async () => {
      if (brake.on) await send("DELETE", path, { query: { reason: why.value } });
      else await send("PUT", path, { body: { reason: why.value } });
      await context.again();
    },
    brake.on ? "Acceptances are possible again." : "Acceptances are stopped.",
  );
  const rows = brake.changes.map((each) => [each.on ? "on" : "off", time(each.changed_at), who(each.changed_by), each.reason ?? "–"]);
  return el(
    "form",
    { class: "panel", onsubmit: pull },
    el("h2", {}, "Brake"),
    el("p", {}, "While it is on, no decision of the domain is better than STEP_UP."),
    field("Reason", why),
    el("button", {}, brake.on ? "Release the brake" : "Stop acceptances"),
    place,
    rows.length ? table("Changes", ["Brake", "At (UTC)", "By", "Reason"], rows) : null,
  );
}

function performance(report) {
  const rows = report.by_bundle_and_policy.flatMap((each) =>
    each.rates.map((rate) => [
      String(each.policy_version),
      rate.name,
      { number: `${rate.errors} of ${rate.total}` },
      { number: `${(rate.rate * 100).toFixed(1)} %` },
      { number: `${(rate.low * 100).toFixed(1)} to ${(rate.high * 100).toFixed(1)} %` },
    ]),
  );
  const heads = ["Policy version", "Rate", { number: "Errors" }, { number: "Rate" }, { number: "95 % interval" }];
  return el(
    "section",
    {},
    el("h2", {}, "Realized error rates"),
    el("p", {}, "Of decisions with an outcome, in the last 30 days. They are no random sample of all calls."),
    rows.length ? table("Rates", heads, rows) : el("p", {}, "No outcome was stated."),
  );
}

function windows(drift) {
  const rows = drift.windows.map((each) => [
    `${time(each.begin)} to ${time(each.end)}`,
    { number: String(each.calls) },
    { number: String(each.speakers) },
    each.drifted.map((name) => `${name} (${nats(each.differences[name]?.shift, 2)})`).join(", ") || "none",
  ]);
  const base = drift.baseline ? `Baseline: ${time(drift.baseline.begin)} to ${time(drift.baseline.end)}, version ${plain(drift.baseline.version)}.` : "There is no baseline yet.";
  return el(
    "section",
    {},
    el("h2", {}, "Drift"),
    el("p", {}, base),
    rows.length ? table("Windows", ["Time (UTC)", { number: "Calls" }, { number: "Speakers" }, "Drifted (shift)"], rows) : null,
  );
}

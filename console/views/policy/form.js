// Sliders and boxes of the settings that change what is decided; each slider has a box for the exact number.

import { el, field, select } from "../../dom.js";
import { RANGES } from "../../format.js";
import { SETTINGS } from "../../words.js";

// Least and most of each slider; those of priors and costs move by factors.
const SLIDERS = {
  impostor_prior: [1e-4, 0.4, true],
  spoof_prior: [1e-4, 0.4, true],
  false_accept_cost: [1, 1e5, true],
  spoof_accept_cost: [1, 1e5, true],
  false_reject_cost: [0.5, 1000, true],
  step_up_cost: [0.05, 100, true],
  uncertain_margin: [0, 6, false],
};
const STEPS = 200;
const ALERTS = ["AUDIO_REPLAYED", "VOICE_CHANGED", "SEVERAL_VOICES", "WATCHLIST_MATCH"];
const PAUSE = 400;

/** Makes the form; `ask` is called with the settings that differ from the active policy and the range, after a pause. */
export function policyForm(active, query, ask) {
  const inputs = {};
  let timer = null;
  const range = select("range", RANGES, query.range || "7d");
  const now = () => ask(changed(active, inputs), range.value);
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE);
  };
  const sliders = Object.keys(SLIDERS).map((name) => slider(name, query[name] ?? active[name] ?? 0, inputs, later));
  const requires = box("requires", (query.requires ?? (active.requires ?? []).join()) === "another_factor");
  inputs.requires = () => (requires.checked ? ["another_factor"] : []);
  const rejects = ALERTS.map((name) => box(name, (active.reject_on ?? []).includes(name)));
  inputs.reject_on = () => ALERTS.filter((_, number) => rejects[number].checked);
  const node = el(
    "form",
    { class: "panel", id: "policy-form", onchange: later, onsubmit: (event) => event.preventDefault() },
    el("h2", {}, "What if"),
    field("Decisions of", range),
    ...sliders,
    el("label", { class: "check" }, requires, ` ${SETTINGS.requires}`),
    el(
      "fieldset",
      {},
      el("legend", {}, "Alerts that reject"),
      ...ALERTS.map((name, number) => el("label", { class: "check" }, rejects[number], ` ${name}`)),
    ),
  );
  return { node, ask: now, changes: () => changed(active, inputs) };
}

const box = (name, checked) => el("input", { type: "checkbox", name, checked });

function slider(name, value, inputs, later) {
  const [least, most, byFactor] = SLIDERS[name];
  const place = (number) =>
    byFactor ? (Math.log(number / least) / Math.log(most / least)) * STEPS : ((number - least) / (most - least)) * STEPS;
  const number = (at) => (byFactor ? least * (most / least) ** (at / STEPS) : least + ((most - least) * at) / STEPS);
  const exact = el("input", { type: "number", step: "any", min: byFactor ? least : 0, name, value, class: "exact" });
  const track = el("input", { type: "range", min: 0, max: STEPS, value: place(Number(value)), "aria-label": `${SETTINGS[name]}, slider` });
  track.addEventListener("input", () => {
    exact.value = Number(number(Number(track.value)).toPrecision(2));
    later();
  });
  exact.addEventListener("input", () => {
    track.value = place(Number(exact.value));
    later();
  });
  inputs[name] = () => Number(exact.value);
  return el("div", { class: "slider" }, field(SETTINGS[name], exact), track);
}

/** Returns the settings that differ from the active policy. */
function changed(active, inputs) {
  const read = Object.entries(inputs).map(([name, value]) => [name, value()]);
  const before = (name) => active[name] ?? (Array.isArray(inputs[name]()) ? [] : 0);
  return Object.fromEntries(read.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before(name))));
}

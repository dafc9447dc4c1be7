// Drawings: where a policy accepts, and how many decisions there are of each kind.

import { action, thresholds } from "./costs.js";
import { svg } from "./dom.js";
import { nats } from "./format.js";

const WIDTH = 560;
const HEIGHT = 340;
const BOX = { left: 46, right: 10, top: 16, bottom: 40 };
const LLR = [-14, 14];
const LIVENESS = [-9, 9];
const ROWS = 90;
const COLUMNS = 140;

const clamped = (value, [low, high]) => Math.min(Math.max(value, low), high);
const scale = ([low, high], start, end) => (value) => start + ((value - low) / (high - low)) * (end - start);
const x = scale(LLR, BOX.left, WIDTH - BOX.right);
const y = scale(LIVENESS, HEIGHT - BOX.bottom, BOX.top);

/** Draws which action is cheapest at each pair of LLRs, the policy's thresholds, and points {llr, liveness, name, kind}. */
export function costMap(policy, points, description) {
  const limits = thresholds(policy);
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot", role: "img", "aria-label": description },
    ...regions(policy),
    ...axes(),
    ...names(policy),
    line(x(limits.accept), "accept"),
    line(x(limits.reject), "reject"),
    svg("line", { class: "limit", x1: BOX.left, x2: WIDTH - BOX.right, y1: y(limits.liveness), y2: y(limits.liveness) }),
    text(x(clamped(limits.accept, LLR)) + 4, BOX.top + 10, `accept ${nats(limits.accept)}`, "limit-name"),
    text(x(clamped(limits.reject, LLR)) - 4, BOX.top + 10, `reject ${nats(limits.reject)}`, "limit-name end"),
    text(BOX.left + 4, y(clamped(limits.liveness, LIVENESS)) - 4, `liveness ${nats(limits.liveness)}`, "limit-name"),
    ...points.flatMap(point),
  );
}

/** Makes one rectangle of each run of equal actions in a row. */
function regions(policy) {
  const made = [];
  const [wide, high] = [(LLR[1] - LLR[0]) / COLUMNS, (LIVENESS[1] - LIVENESS[0]) / ROWS];
  for (let row = 0; row < ROWS; row += 1) {
    const liveness = LIVENESS[0] + (row + 0.5) * high;
    let start = 0;
    let found = null;
    for (let column = 0; column <= COLUMNS; column += 1) {
      const next = column < COLUMNS ? action(LLR[0] + (column + 0.5) * wide, liveness, policy) : null;
      if (next === found) continue;
      if (found) made.push(run(found, LLR[0] + start * wide, LLR[0] + column * wide, liveness, high));
      [start, found] = [column, next];
    }
  }
  return made;
}

function run(name, from, to, liveness, high) {
  const top = y(liveness + high / 2);
  // A little higher than its row, so that no seams show.
  return svg("rect", { class: `region ${name}`, x: x(from), y: top, width: x(to) - x(from), height: y(liveness - high / 2) - top + 0.4 });
}

/** Names each action in the row where its run is longest, so that it is not told by color alone. */
function names(policy) {
  const wide = (LLR[1] - LLR[0]) / COLUMNS;
  const longest = {};
  for (let liveness = LIVENESS[0] + 1; liveness < LIVENESS[1]; liveness += 0.5) {
    const row = Array.from({ length: COLUMNS }, (_, column) => action(LLR[0] + (column + 0.5) * wide, liveness, policy));
    for (const kind of new Set(row)) {
      const [start, count] = [row.indexOf(kind), row.filter((each) => each === kind).length];
      if (count > (longest[kind]?.count ?? 12)) longest[kind] = { count, at: LLR[0] + (start + count / 2) * wide, liveness };
    }
  }
  return Object.entries(longest).map(([kind, { at, liveness }]) => text(x(at), y(liveness) + 4, kind, "region-name middle"));
}

function axes() {
  const ticks = [-12, -8, -4, 0, 4, 8, 12].map((each) => text(x(each), HEIGHT - BOX.bottom + 14, nats(each, 0), "tick middle"));
  const levels = [-8, -4, 0, 4, 8].map((each) => text(BOX.left - 5, y(each) + 4, nats(each, 0), "tick end"));
  const across = text(x(0), HEIGHT - 6, "LLR of the speaker, nats: the claimed one to the right", "axis middle");
  const up = svg("text", { class: "axis middle", transform: `translate(13 ${y(0)}) rotate(-90)` }, "LLR of liveness, nats");
  return [...ticks, ...levels, across, up];
}

const line = (at, name) => svg("line", { class: `limit ${name}`, x1: at, x2: at, y1: BOX.top, y2: HEIGHT - BOX.bottom });
const text = (left, top, said, kind) => svg("text", { class: kind, x: left, y: top }, said);

/** Draws a point with its name: the voice above it, so that the point that the call moved has room below. */
function point({ llr, liveness, name, kind }) {
  const [left, top] = [x(clamped(llr, LLR)), y(clamped(liveness ?? 0, LIVENESS))];
  const end = left > WIDTH * 0.6;
  return [
    svg("circle", { class: `point ${kind}`, cx: left, cy: top, r: 6 }),
    text(left + (end ? -10 : 10), top + (kind === "moved" ? 12 : -4), name, `point-name ${end ? "end" : ""}`),
  ];
}

const KINDS = ["ACCEPT", "STEP_UP", "REJECT", "INCONCLUSIVE"];

/** Draws two bars of the mix of decisions, before and after; counts by decision. */
export function mixBars(before, after) {
  const total = Math.max(1, sum(before), sum(after));
  const description = `Before: ${spoken(before)}. After: ${spoken(after)}.`;
  const rows = [["now", before, 4], ["then", after, 36]];
  return svg(
    "svg",
    { viewBox: "0 0 560 66", class: "plot bars", role: "img", "aria-label": description },
    ...rows.flatMap(([name, counts, top]) => [text(0, top + 18, name, "axis"), ...bar(counts, total, top)]),
  );
}

const sum = (counts) => KINDS.reduce((all, kind) => all + (counts[kind] || 0), 0);
const spoken = (counts) => KINDS.map((kind) => `${kind} ${counts[kind] || 0}`).join(", ");

function bar(counts, total, top) {
  let left = 40;
  return KINDS.flatMap((kind) => {
    const width = (520 * (counts[kind] || 0)) / total;
    const drawn = svg("rect", { class: `region ${kind}`, x: left, y: top, width, height: 26 });
    const said = width > 90 && text(left + 6, top + 18, `${kind} ${counts[kind]}`, "bar-name");
    left += width;
    return [drawn, said];
  });
}

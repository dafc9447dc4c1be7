// Numbers and times as people read them. Times are UTC, as in the API.

/** Returns an LLR or nats with its sign, such as +6.5; a dash where there is none. */
export function nats(value, digits = 1) {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
}

/** Returns a share in percent with about two significant digits. */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  const value = share * 100;
  if (value === 0 || value >= 10) return `${Math.round(value)} %`;
  return value < 0.01 ? "< 0.01 %" : `${Number(value.toPrecision(2))} %`;
}

/** Returns a number with at most so many significant digits, and never in the form 1e-7. */
export function plain(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  return Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

/** Returns date and time to the second. */
export function time(iso) {
  return iso ? `${iso.slice(0, 10)} ${iso.slice(11, 19)}` : "–";
}

/** Returns the bounds of a named range of days, oldest first; `now` is a Date. */
export function range(name, now) {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  const day = 24 * 3600 * 1000;
  const starts = { today: midnight, yesterday: midnight - day };
  const from = starts[name] ?? now.getTime() - Number(name.replace("d", "")) * day;
  const to = name === "yesterday" ? midnight : now.getTime();
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

export const RANGES = [
  ["today", "today"],
  ["yesterday", "yesterday"],
  ["7d", "last 7 days"],
  ["30d", "last 30 days"],
];

/** Returns the principal at the end of an ARN. */
export function who(arn) {
  return arn ? arn.slice(arn.lastIndexOf(":") + 1) : "–";
}

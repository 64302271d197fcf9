// How long a provider asks us to wait: in a header, in a member of its error, or in its text.
import { type ErrorLayer, inside, listOf } from "./errorLayers.js";

type Headers = Readonly<Record<string, string>>;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1000,
  sec: 1000,
  secs: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  mins: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hrs: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
};

const step = /\s*(?:and\s+)?(\d{1,12}(?:\.\d{1,9})?)\s?([a-z]{1,12})\b/iy;
const stepAtOnce = /\s*(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)/iy;
const asking = /\b(?:retry|try again|try your request again|wait|resets?)\b[^.\d]{0,60}/gi;
const longestText = 4000;

/**
 * The pause that a response's headers ask for, in milliseconds: `retry-after-ms`, or `retry-after`
 * in seconds or as a date.
 */
function headerWait(headers: Headers | undefined, now: number): number | undefined {
  const milliseconds = positive(headers?.["retry-after-ms"]);
  if (milliseconds !== undefined) return milliseconds;
  const after = headers?.["retry-after"];
  if (after === undefined) return undefined;
  const seconds = positive(after);
  if (seconds !== undefined) return seconds * 1000;
  return durationOf(after) ?? untilDate(after, now);
}

/**
 * The pause that a refusal asks for, in milliseconds, wherever it says so. A pause for this request
 * counts more than the time when a limit is free again.
 */
export function askedWait(
  refusal: {
    readonly headers?: Headers | undefined;
    readonly layers: readonly ErrorLayer[];
    readonly words: string;
  },
  now: number,
): number | undefined {
  const { headers, layers, words } = refusal;
  return (
    headerWait(headers, now) ??
    memberWait(layers) ??
    wordedWait(words) ??
    resetWait(headers, now) ??
    layers.map((layer) => passedOn(layer, now)).find((ms) => ms !== undefined)
  );
}

/** A duration such as `34.4s` or `1m2.5s`, in milliseconds. */
export function durationOf(text: string): number | undefined {
  const { ms, end } = readDuration(text, 0);
  return end === text.trimEnd().length ? ms : undefined;
}

/** Google's `RetryInfo`, and members of that name elsewhere. */
function memberWait(layers: readonly ErrorLayer[]): number | undefined {
  for (const layer of layers) {
    const delays = [layer, ...listOf(layer.details)].map((one) => inside(one, "retryDelay"));
    for (const delay of delays) {
      const ms = typeof delay === "string" ? durationOf(delay) : undefined;
      if (ms !== undefined) return ms;
    }
    const seconds = layer.retry_after ?? layer.retry_after_seconds;
    if (typeof seconds === "number" && seconds >= 0) return seconds * 1000;
    const milliseconds = layer.retry_after_ms;
    if (typeof milliseconds === "number" && milliseconds >= 0) return milliseconds;
  }
  return undefined;
}

/** "Please retry in 34.4s", "Try again in 1m2.5s", "wait 20 seconds". */
function wordedWait(words: string): number | undefined {
  const text = words.slice(0, longestText);
  asking.lastIndex = 0;
  for (let found = asking.exec(text); found !== null; found = asking.exec(text)) {
    const { ms } = readDuration(text, found.index + found[0].length);
    if (ms !== undefined) return ms;
  }
  return undefined;
}

function readDuration(text: string, from: number): { ms: number | undefined; end: number } {
  let at = from;
  let ms: number | undefined;
  for (;;) {
    const found = matchAt(stepAtOnce, text, at, true) ?? matchAt(step, text, at);
    const unit = unitMs[(found?.[2] ?? "").toLowerCase()];
    if (found === null || unit === undefined) return { ms, end: at };
    ms = (ms ?? 0) + Number(found[1]) * unit;
    at += found[0].length;
  }
}

/**
 * @param isTight whether no letter may follow; otherwise `5 minutes` would be read as `5 m`.
 */
function matchAt(pattern: RegExp, text: string, at: number, isTight = false) {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (found === null || !isTight) return found;
  return /[a-z]/i.test(text[at + found[0].length] ?? "") ? null : found;
}

/** The headers that say when a used-up limit is free again. */
function resetWait(headers: Headers | undefined, now: number): number | undefined {
  let longest: number | undefined;
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!/ratelimit.*reset/.test(name)) continue;
    const remaining = headers?.[name.replace("reset", "remaining")];
    if (remaining !== undefined && Number(remaining) > 0) continue;
    const ms = resetIn(value, now);
    if (ms !== undefined) longest = Math.max(longest ?? 0, ms);
  }
  return longest;
}

/** A moment as seconds or milliseconds since 1970, as a date, or as a time from now. */
function resetIn(value: string, now: number): number | undefined {
  const count = positive(value);
  if (count === undefined) return durationOf(value) ?? untilDate(value, now);
  if (count > 1e11) return Math.max(0, count - now);
  return count > 1e8 ? Math.max(0, count * 1000 - now) : count * 1000;
}

/** The headers of the refusal, as far as a proxy has kept them inside the error. */
function passedOn(layer: ErrorLayer, now: number): number | undefined {
  const headers = inside(layer.metadata, "headers");
  if (typeof headers !== "object" || headers === null) return undefined;
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const read: Headers = Object.fromEntries(named);
  return headerWait(read, now) ?? resetWait(read, now);
}

function untilDate(text: string, now: number): number | undefined {
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function positive(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

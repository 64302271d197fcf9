// What a suite is made of: rows that were measured, the rule that each is held to, and the few
// statistics that turn many samples into one figure.

/** What a row is held to; `floor` is the baseline of the same run. */
export type Rule =
  /** ours ≤ `limit` × floor */
  | { readonly kind: "ratioAtMost"; readonly limit: number }
  /** ours ≥ `limit` × floor */
  | { readonly kind: "ratioAtLeast"; readonly limit: number }
  /** ours ≤ floor + `limit` */
  | { readonly kind: "moreAtMost"; readonly limit: number }
  /** ours ≤ `limit` */
  | { readonly kind: "atMost"; readonly limit: number }
  /** Held to nothing; for the reader alone. */
  | { readonly kind: "told" };

/** One figure of a run. */
export interface Row {
  readonly suite: string;
  readonly what: string;
  readonly unit: "ms" | "µs" | "MB" | "B" | "/s" | "×" | "%";
  readonly ours: number;
  /** The baseline, measured in the same run. */
  readonly floor?: number;
  readonly rule: Rule;
  readonly note?: string;
}

/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A plot for docs/performance.md. */
export interface Plot {
  readonly file: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

/** What a suite gives back. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly plots?: readonly Plot[];
}

/** What a suite is run with. */
export interface BenchContext {
  /** Fewer samples and smaller sizes, so that everything takes less than two minutes. */
  readonly isQuick: boolean;
  /** A new empty folder, removed at the end. */
  makeFolder(): string;
  /** One line for whoever watches. */
  say(line: string): void;
}

/** A group of rows that are measured together. */
export interface Suite {
  readonly name: string;
  run(context: BenchContext): Promise<Findings>;
}

/** How a row came out. */
export type Verdict = "held" | "missed" | "beyond twice" | "told";

/** Whether a row keeps its rule; "beyond twice" is what fails a run of the continuous integration. */
export function judge({ ours, floor = Number.NaN, rule }: Row): Verdict {
  switch (rule.kind) {
    case "ratioAtMost":
      return atMost(ours / floor, rule.limit);
    case "ratioAtLeast":
      return atMost(floor / ours, 1 / rule.limit);
    case "moreAtMost":
      return atMost(ours - floor, rule.limit);
    case "atMost":
      return atMost(ours, rule.limit);
    case "told":
      return "told";
  }
}

function atMost(value: number, limit: number): Verdict {
  if (value <= limit) return "held";
  return value <= 2 * limit ? "missed" : "beyond twice";
}

/** The `p`-th percentile of samples, 0 to 100, by the nearest rank. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.ceil((p / 100) * sorted.length) - 1;
  return sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? Number.NaN;
}

/** The middle of samples. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/**
 * Measures floor and server in turn, `rounds` times, so that what disturbs one disturbs the other.
 */
export async function interleaved(
  rounds: number,
  floor: () => Promise<number>,
  ours: () => Promise<number>,
): Promise<{ floor: number[]; ours: number[] }> {
  const samples = { floor: [] as number[], ours: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    samples.floor.push(await floor());
    samples.ours.push(await ours());
  }
  return samples;
}

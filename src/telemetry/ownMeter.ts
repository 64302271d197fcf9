// Counts without an SDK. Numbers are added up from the beginning of the process to its end.
import { type Attributes, type MetricName, metrics } from "./conventions.js";

/** Takes measurements. */
export interface Meter {
  /** Adds a measurement to a histogram. */
  record(name: MetricName, value: number, attributes: Attributes): void;
  /** Asks for the value of a gauge whenever it is exported; a value of undefined is left out. */
  watch(name: MetricName, read: () => number | undefined): void;
}

/** A series of a metric. */
export type Point = {
  readonly attributes: Attributes;
  readonly since: number;
  readonly at: number;
} & (
  | { readonly kind: "gauge"; readonly value: number }
  | {
      readonly kind: "histogram";
      readonly count: number;
      readonly sum: number;
      readonly min: number;
      readonly max: number;
      readonly counts: readonly number[];
      readonly bounds: readonly number[];
    }
);

/** A metric with its series. */
export interface Measured {
  readonly name: MetricName;
  readonly points: readonly Point[];
}

interface Series {
  readonly attributes: Attributes;
  readonly counts: number[];
  count: number;
  sum: number;
  min: number;
  max: number;
}

/** Names of models and tools come from outside: what is more than this is counted without attributes. */
const mostSeries = 1000;

/** Keeps the measurements until they are asked for. */
export class OwnMeter implements Meter {
  readonly #now: () => number;
  readonly #since: number;
  readonly #series = new Map<MetricName, Map<string, Series>>();
  readonly #gauges = new Map<MetricName, () => number | undefined>();

  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  record(name: MetricName, value: number, attributes: Attributes): void {
    const kind = metrics[name];
    if (kind.kind !== "histogram") return;
    const series = this.#seriesOf(name, attributes, kind.bounds.length);
    const bucket = kind.bounds.findIndex((bound) => value <= bound);
    const index = bucket === -1 ? kind.bounds.length : bucket;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.count++;
    series.sum += value;
    series.min = Math.min(series.min, value);
    series.max = Math.max(series.max, value);
  }

  watch(name: MetricName, read: () => number | undefined): void {
    this.#gauges.set(name, read);
  }

  /** Everything that was measured so far. */
  collect(): Measured[] {
    const times = { since: this.#since, at: this.#now() };
    const histograms = [...this.#series].map(([name, all]) => {
      const kind = metrics[name];
      const bounds = kind.kind === "histogram" ? kind.bounds : [];
      const points = [...all.values()].map(
        (one): Point => ({ kind: "histogram", ...one, counts: [...one.counts], bounds, ...times }),
      );
      return { name, points };
    });
    const gauges = [...this.#gauges].flatMap(([name, read]) => {
      const value = read();
      if (value === undefined) return [];
      return [{ name, points: [{ kind: "gauge", attributes: {}, value, ...times }] as const }];
    });
    return [...histograms, ...gauges];
  }

  #seriesOf(name: MetricName, attributes: Attributes, bounds: number): Series {
    const all = this.#series.get(name) ?? new Map<string, Series>();
    this.#series.set(name, all);
    const isKnown = all.has(JSON.stringify(attributes));
    const kept = isKnown || all.size < mostSeries ? attributes : {};
    const key = JSON.stringify(kept);
    const known = all.get(key);
    if (known !== undefined) return known;
    const counts = new Array<number>(bounds + 1).fill(0);
    const series = { attributes: kept, counts, count: 0, sum: 0, min: Infinity, max: -Infinity };
    all.set(key, series);
    return series;
  }
}

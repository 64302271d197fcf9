// What the measurements of the suite `rest` share.
import type { Row } from "../measure.js";

/** A row of this suite, without what all of them share. */
export type MemoryRow = Omit<Row, "suite" | "unit">;

/** Waits until a server has given back what it can. */
export function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}

/** How long to wait before the next try, in milliseconds: twice as long each time, up to a limit. */
export interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** The wait behind the `failures`th failure in a row, which counts from 1. */
export function waitAfter(failures: number, { firstMs, mostMs }: BackOff): number {
  return Math.min(firstMs * 2 ** (failures - 1), mostMs);
}

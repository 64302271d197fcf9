/** How long to wait before the next try, in milliseconds: twice as long each time, up to a limit. */
export interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** How long to wait after `failures` failures in a row (1 or more). */
export function waitAfter(failures: number, { firstMs, mostMs }: BackOff): number {
  return Math.min(firstMs * 2 ** (failures - 1), mostMs);
}

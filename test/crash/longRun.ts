/** Whether this is the long run (`npm run test:crash`), and how much longer than the short one. */
export const isLong = process.env.MODE === "long";

/** So many in the long run, so many otherwise. */
export function histories(short: number, long: number): number[] {
  const first = Number(process.env.TURNWIRE_CRASH_SEED ?? 1);
  return Array.from({ length: isLong ? long : short }, (_, index) => first + index);
}

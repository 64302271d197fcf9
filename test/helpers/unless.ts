/**
 * `test`, `it` or `describe` for what cannot be tried everywhere. Where it cannot, it is skipped and
 * the reason is printed: a test that is skipped in silence is taken for one that passed.
 */
import type { SuiteAPI, TestAPI } from "vitest";

export const onWindows = process.platform === "win32";
export const notOnLinux = process.platform !== "linux";

export function unless<T extends SuiteAPI | TestAPI>(
  api: T,
  isImpossible: boolean,
  reason: string,
): T {
  if (!isImpossible) return api;
  console.log(`Skipped: ${reason}.`);
  return api.skip as T;
}

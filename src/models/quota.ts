// Distinguishes a limit that ends in a moment from a quota that is used up until tomorrow, or until
// somebody pays.
import type { ErrorFacts } from "./errorFacts.js";
import { longestAskedWaitMs } from "./retry.js";

const longestText = 4000;

/** Words for a quota that no pause within a turn restores, even if the refusal names a pause. */
const usedUp =
  /insufficient_quota|per_?(day|month|week)|(daily|monthly|weekly)_?(limit|quota)|billing|credit_balance|out_of_credits|quota_not_enough/i;
const usedUpWords =
  /\b(per|a|this|each)[ _-](day|month|week)\b|\b(daily|monthly|weekly)\b|\b(RPD|TPD)\b|credits? (balance )?(is |are )?(too low|used up|exhausted|depleted)|insufficient (quota|balance|credits|funds)|current quota/i;

/** Whether a refusal means that the quota is used up; `afterMs` is the pause that it asks for. */
export function isQuotaUsedUp(
  { codes, words }: Pick<ErrorFacts, "codes" | "words">,
  afterMs: number | undefined,
): boolean {
  if (usedUp.test(codes.slice(0, longestText))) return true;
  // A rolling daily limit may be free again in seconds; then the refusal says so.
  if (afterMs !== undefined) return afterMs > longestAskedWaitMs && usedUpWords.test(words);
  return usedUpWords.test(words.slice(0, longestText));
}

// The options of a run (protocol.md section 4, Options of a run): as they were sent, which is part of the
// run's identity, and as they apply, which is stored with the run.
import { defined } from "../base/defined.js";
import { isNestedDeeper } from "../base/jsonDepth.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";

/** What happens to a prompt whose session is busy. */
export type WhenBusy = "queue" | "join" | "reject";

/** The options of a request. */
export interface RequestedOptions {
  /** As they were sent: they are compared if the `runId` comes again. */
  readonly sent: RunOptions;
  /** As they apply to the run, with the session's defaults. They are fixed at acceptance. */
  readonly effective: RunOptions;
}

/** No options at all. */
export const noOptions: RequestedOptions = { sent: {}, effective: {} };

/**
 * The options that apply to a run: its own, and the session's defaults for the rest. They say
 * `whenBusy` if that is not what {@link usuallyWhenBusy} gives for a run without options.
 */
export function requestedOptions(
  runId: string | undefined,
  sent: RunOptions,
  defaults: RunOptions,
): RequestedOptions {
  const { whenBusy: _, ...rest } = {
    ...defaults,
    ...sent,
    ...defined({
      tools: mergedMembers(defaults.tools, sent.tools),
      limits: mergedMembers(defaults.limits, sent.limits),
    }),
  };
  const whenBusy = whenBusyOf(runId, sent, defaults);
  const isUsual = whenBusy === usuallyWhenBusy(runId, {});
  return { sent, effective: isUsual ? rest : { ...rest, whenBusy } };
}

/** Merges options that have members of their own, member by member. */
function mergedMembers<T extends object>(below?: T, above?: T): T | undefined {
  return below === undefined ? above : { ...below, ...above };
}

/** A default of `join` does not hold for a run with options of its own, which cannot join. */
function whenBusyOf(runId: string | undefined, sent: RunOptions, defaults: RunOptions): WhenBusy {
  if (sent.whenBusy !== undefined) return sent.whenBusy;
  if (defaults.whenBusy === "join" && cannotJoin(sent)) return "queue";
  return defaults.whenBusy ?? usuallyWhenBusy(runId, sent);
}

/** The `whenBusy` of a run that does not set it. */
export function usuallyWhenBusy(runId: string | undefined, sent: RunOptions): WhenBusy {
  return runId === undefined && isEmpty(sent) ? "join" : "queue";
}

/** Whether options that were sent keep a run from joining the turn of another. */
export function cannotJoin({ whenBusy: _, onServerLoss: _loss, ...others }: RunOptions): boolean {
  return !isEmpty(others);
}

/** Whether there is no option. */
export function isEmpty(options: RunOptions): boolean {
  return Object.keys(options).length === 0;
}

/** Options in their stored form; undefined if there are none. */
export function optionsText(options: RunOptions): string | undefined {
  return isEmpty(options) ? undefined : JSON.stringify(options);
}

/** Options from their stored form; none if that is damaged. */
export function storedOptions(text: string | undefined): RunOptions {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && !isNestedDeeper(value) ? (value as RunOptions) : {};
  } catch {
    // The row is damaged: the options of the run are not known any more.
    return {};
  }
}

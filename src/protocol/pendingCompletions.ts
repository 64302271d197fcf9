import { defined } from "../base/defined.js";
import type { RunComplete } from "./objects/run.js";
import type { ParamsInput, Result } from "./registry.js";

/**
 * The completions that `listPendingCompletions` tells (protocol.md section 4), in the order of `sequence`; a page
 * is asked for when those before it were taken. `ask` makes the request, and its errors are thrown.
 */
export async function* pendingCompletions(
  ask: (params: ParamsInput<"listPendingCompletions">) => Promise<Result<"listPendingCompletions">>,
  place: Omit<ParamsInput<"listPendingCompletions">, "cursor"> = {},
): AsyncGenerator<RunComplete> {
  let cursor: string | undefined;
  do {
    const page = await ask({ ...place, ...defined({ cursor }) });
    yield* page.completions;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

// Finds sessions by their words (protocol.md section 3, `searchSessions`).
import { setImmediate } from "node:timers/promises";
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import type { Params, Result } from "../protocol/registry.js";
import type { Database } from "../storage/database.js";
import type { MessageStore } from "../storage/messageStore.js";
import { saidText } from "../storage/saidText.js";
import { type SearchTerm, snippetOf, termsOf } from "../storage/searchText.js";
import { type SearchHit, type SearchPlace, SessionFinder } from "../storage/sessionFinder.js";
import type { SessionStore } from "../storage/sessionStore.js";
import { describeAnywhere, type EverySessionOptions } from "./everySession.js";

const defaultLimit = 20;

/** What a search needs. */
export interface SessionSearchOptions extends EverySessionOptions {
  readonly database: Database;
  readonly sessions: SessionStore;
  readonly messages: MessageStore;
}

/** `searchSessions`: ends early, with the signal's reason, when the request is cancelled. */
export async function searchSessions(
  { workspaceId, query, limit = defaultLimit, cursor }: Params<"searchSessions">,
  options: SessionSearchOptions,
  signal: AbortSignal,
): Promise<Result<"searchSessions">> {
  if (workspaceId !== undefined) options.workspaces.get(workspaceId);
  const place = placeOf(cursor);
  const terms = termsOf(query);
  if (terms.length === 0) return { results: [] };
  const finder = new SessionFinder(options.database);
  while (finder.catchUp()) {
    // Older messages are indexed in small steps. Between them, other work goes on.
    await setImmediate();
    signal.throwIfAborted();
  }
  const { hits, next } = finder.find({ terms, workspaceId, limit, place });
  const results: Result<"searchSessions">["results"] = [];
  for (const hit of hits) {
    // A message may have megabytes.
    await setImmediate();
    signal.throwIfAborted();
    const result = resultOf(hit, terms, options);
    if (result !== undefined) results.push(result);
  }
  return {
    results,
    ...defined({ nextCursor: next && `${next.of === "titles" ? "t" : "m"}${next.below}` }),
  };
}

function resultOf(
  { session, message }: SearchHit,
  terms: readonly SearchTerm[],
  options: SessionSearchOptions,
): Result<"searchSessions">["results"][number] | undefined {
  const row = options.sessions.at(session);
  if (row === undefined) return undefined;
  const found = message === undefined ? undefined : options.messages.at(message);
  const text = found?.parts === undefined ? row.title : saidText(found.parts);
  return {
    session: describeAnywhere(row, options),
    ...defined({ messageId: found?.id }),
    snippet: snippetOf(text, terms),
  };
}

/** Throws `InvalidParams` if the cursor is not from this server's answers. */
function placeOf(cursor: string | undefined): SearchPlace | undefined {
  if (cursor === undefined) return undefined;
  const [, of, below] = /^([tm])(\d{1,16})$/.exec(cursor) ?? [];
  if (below !== undefined && Number.isSafeInteger(Number(below))) {
    return { of: of === "t" ? "titles" : "messages", below: Number(below) };
  }
  const message = "not a cursor that this server gave; begin again without one";
  throw new DomainError("InvalidParams", `cursor: ${message}.`, {
    data: { issues: [{ path: "cursor", message }] },
  });
}

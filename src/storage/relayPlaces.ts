// The places to which relays have carried completions (docs/fleet.md), as notes: where a cursor belongs to.
import type { Database } from "./database.js";
import { NoteStore } from "./noteStore.js";

/** Where a relay carries completions. */
export interface RelayPlace {
  /** For people; it has no secret in it. */
  readonly shown: string;
  /** Another one tells another place. */
  readonly digest: string;
}

/** What is noted of a relay's place. */
export interface NotedPlace extends RelayPlace {
  /** The place before, and when it changed, in milliseconds since the Unix epoch. */
  readonly before?: { readonly shown: string; readonly changedAt: number };
}

/** The note of a relay's place is named this and the relay's name. */
export const placeNote = "relayPlace:";

/**
 * Notes where a relay carries from now on. Returns the place before, if that is another one and has got
 * something: then the new place does not get what that one has.
 */
export function settlePlace(
  database: Database,
  relay: { readonly name: string; readonly cursor: number },
  place: RelayPlace,
  now: number,
): NotedPlace | undefined {
  const notes = new NoteStore(database);
  const known = notedPlace(notes.get(placeNote + relay.name));
  if (known?.digest === place.digest) return undefined;
  const before = relay.cursor > 0 ? known : undefined;
  const noted: NotedPlace =
    before === undefined ? place : { ...place, before: { shown: before.shown, changedAt: now } };
  notes.set(placeNote + relay.name, JSON.stringify(noted));
  return before;
}

/** What a note says; undefined if there is none, or none that can be read. */
export function notedPlace(note: unknown): NotedPlace | undefined {
  if (typeof note !== "string") return undefined;
  try {
    const { shown, digest, before } = JSON.parse(note) ?? {};
    if (typeof shown !== "string" || typeof digest !== "string") return undefined;
    if (typeof before?.shown !== "string" || typeof before.changedAt !== "number") {
      return { shown, digest };
    }
    return { shown, digest, before };
  } catch {
    // It was damaged: the place is noted anew.
    return undefined;
  }
}

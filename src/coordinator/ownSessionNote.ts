import type { OwnSessionNote } from "../engine/engine.js";
import type { EngineSessionStore } from "../storage/engineSessionStore.js";
import type { PatientWrites } from "./patientWrites.js";

/** The note of a session, written with the run's other writes and in their order. */
export function ownSessionNote(
  sessionId: string,
  store: EngineSessionStore,
  writes: PatientWrites,
  signal: AbortSignal,
): OwnSessionNote {
  return {
    read: () => store.get(sessionId),
    async write(own) {
      writes.write(() => store.set(sessionId, own));
      await writes.stored(signal);
    },
  };
}

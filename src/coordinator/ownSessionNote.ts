import type { OwnSessionNote } from "../engine/engine.js";
import type { EngineSessionStore } from "../storage/engineSessionStore.js";
import type { PatientWrites } from "./patientWrites.js";

/**
 * The note of a session, written with the run's other writes and in their order. Where `isDurable`, not even
 * a power cut loses it: a run that goes on after a loss must not send its prompt twice.
 */
export function ownSessionNote(
  sessionId: string,
  store: EngineSessionStore,
  writes: PatientWrites,
  signal: AbortSignal,
  isDurable: () => boolean,
): OwnSessionNote {
  return {
    read: () => store.get(sessionId),
    async write(own) {
      writes.write(() => store.set(sessionId, own), isDurable());
      await writes.stored(signal);
    },
  };
}

import type { Acceptance } from "../coordinator/acceptance.js";
import type { RunRequest } from "../coordinator/acceptedRun.js";
import type { Coordinator } from "../coordinator/coordinator.js";
import type { Caller } from "./caller.js";

/**
 * Accepts a run for a caller, and resolves when it is on disk. If the request is cancelled
 * meanwhile, the caller still gets the result. Rejects with the refusal of `Coordinator.accept`.
 */
export function acceptFor(
  caller: Caller,
  coordinator: Coordinator,
  request: RunRequest,
): Promise<Acceptance> {
  return new Promise((resolve, reject) => {
    let stopListening = () => {};
    coordinator.accept(request, {
      accepted(acceptance) {
        stopListening();
        resolve(acceptance);
      },
      refused(error) {
        stopListening();
        reject(error);
      },
    });
    stopListening = caller.onCancel(() => coordinator.settle());
  });
}

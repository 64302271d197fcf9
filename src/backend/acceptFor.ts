import type { Acceptance } from "../coordinator/acceptance.js";
import type { RunRequest } from "../coordinator/acceptedRun.js";
import type { Coordinator } from "../coordinator/coordinator.js";
import type { Caller } from "./caller.js";

/**
 * Accepts a run for whoever asked, and resolves when it is on disk. Whoever cancels the request
 * meanwhile is told what came of it all the same. Rejects as `Coordinator.accept` refuses.
 */
export function acceptFor(
  { signal }: Caller,
  coordinator: Coordinator,
  request: RunRequest,
): Promise<Acceptance> {
  return new Promise((resolve, reject) => {
    const settle = () => coordinator.settle();
    const stopListening = () => signal.removeEventListener("abort", settle);
    signal.addEventListener("abort", settle, { once: true });
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
    if (signal.aborted) settle();
  });
}

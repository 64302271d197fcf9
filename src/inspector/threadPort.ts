import { parentPort } from "node:worker_threads";
import type { FromThread, ToThread } from "./threadMessages.js";

/** Tells the process something. */
export function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

/** Takes what the process sends; what has come before is taken too. */
export function onMessage(take: (message: ToThread) => void): void {
  parentPort?.on("message", take);
}

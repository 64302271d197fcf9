/**
 * The thread of the inspector: it reads, records and shows what the process passes on, so that the
 * process waits for none of it.
 */
import { workerData } from "node:worker_threads";
import { messageOf } from "../base/errors.js";
import { showFile } from "./fileView.js";
import { showLive } from "./liveView.js";
import { loadMessageSchemas } from "./messageSchemas.js";
import { PipeView } from "./pipeView.js";
import { ServedView } from "./servedView.js";
import type { ThreadSettings } from "./threadMessages.js";
import { onMessage, tell } from "./threadPort.js";

async function run(settings: ThreadSettings): Promise<void> {
  const { file, live, served } = settings;
  if (file !== undefined) return showFile(file, settings);
  if (live !== undefined) return showLive(live, settings);
  const schemas = loadMessageSchemas(settings.protocolLibrary);
  const pipe = served === undefined ? new PipeView(settings, schemas) : undefined;
  const view = pipe ?? new ServedView(settings, schemas);
  // The first messages are looked at when it is known what they should be.
  try {
    await schemas;
  } catch (error) {
    tell({ kind: "trouble", text: `messages are not checked: ${messageOf(error)}` });
  }
  onMessage((message) => view.take(message));
  await pipe?.show();
  if (served !== undefined && view instanceof ServedView) await view.open(served);
}

run(workerData as ThreadSettings).catch((error: unknown) => {
  tell({ kind: "failed", text: messageOf(error) });
});

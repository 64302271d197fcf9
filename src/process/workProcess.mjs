// The program of a process that does one piece of work (src/process/workProcesses.ts starts it). The work
// runs in a thread, so that this thread stays free: it watches the memory, and ends with the server. It is
// JavaScript, so that it can be started from the sources as well as from the build.
import { Worker } from "node:worker_threads";

/** How often the memory is looked at. A thread can fill some hundred megabytes in a second. */
const lookEveryMs = 20;
/** What a thread needs beside its limit: its own program, and what the garbage collector leaves for later. */
const besideMb = 256;
const bytesPerMb = 1024 * 1024;

// The server is gone, or has no more use for this process. Nothing here has to be tidied up, and an orderly
// end would wait for the thread.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.once("message", work);

function work({ program, input, limitMb }) {
  const worker = new Worker(new URL(program), {
    workerData: input,
    argv: [],
    env: {},
    execArgv: [],
    // What it prints is for nobody.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: limitMb },
  });
  worker.once("message", (result) => tell({ kind: "done", result }));
  worker.on("error", (error) => {
    if (error?.code === "ERR_WORKER_OUT_OF_MEMORY") tell(tooLarge);
    else tell({ kind: "failed", problem: String(error?.stack ?? error) });
  });
  worker.once("exit", () => tell({ kind: "silent" }));
  watchMemory(limitMb);
}

const tooLarge = { kind: "exceeded", limit: "memory" };

/** `resourceLimits` bounds the heap of the thread, and not its typed arrays: they lie outside of it. */
function watchMemory(limitMb) {
  const most = process.memoryUsage.rss() + (limitMb + besideMb) * bytesPerMb;
  setInterval(() => {
    if (process.memoryUsage.rss() > most) tell(tooLarge);
  }, lookEveryMs);
}

let isTold = false;

/** Tells the server how it went; once, for the server ends this process then. */
function tell(outcome) {
  if (isTold) return;
  isTold = true;
  process.send(outcome);
}

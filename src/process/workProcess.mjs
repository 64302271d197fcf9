// The program of a process that does one piece of work (src/process/workProcesses.ts starts it). The work
// runs in a thread, so that this thread stays free: it watches the memory, and ends with the server. It is
// JavaScript, so that it can be started from the sources as well as from the build.
import { Worker } from "node:worker_threads";

/** How often the memory is looked at. A thread can fill some hundred megabytes in a second. */
const lookEveryMs = 20;
/** What a thread needs beside its limit: its own program, and what the garbage collector leaves for later. */
const besideMb = 256;
const bytesPerMb = 1024 * 1024;
/** A server that is stopped or very busy does not end this process in time; this many limits later it does. */
const longest = 2;

// The server is gone, or has no more use for this process. Nothing here has to be tidied up, and an orderly
// end would wait for the thread.
process.once("disconnect", end);
// These are meant for the server, which may go on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.once("message", work);

function end() {
  process.kill(process.pid, "SIGKILL");
}

function work({ program, input, limitMb, limitMs }) {
  setTimeout(end, limitMs * longest);
  let worker;
  try {
    worker = new Worker(new URL(program), {
      workerData: input,
      argv: [],
      env: {},
      execArgv: [],
      // What it prints is for nobody.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: limitMb },
    });
  } catch (error) {
    tell({ kind: "notStarted", problem: messageOf(error) });
    return;
  }
  process.send({ kind: "begun" });
  worker.once("message", (result) => tell({ kind: "done", result }));
  worker.on("error", (error) => {
    if (error?.code === "ERR_WORKER_OUT_OF_MEMORY") tell(tooLarge);
    else if (/MODULE_NOT_FOUND$/.test(error?.code)) tell({ kind: "notStarted", problem: missing });
    else tell({ kind: "failed", problem: messageOf(error) });
  });
  worker.once("exit", () => tell({ kind: "silent" }));
  watchMemory(limitMb);
}

const tooLarge = { kind: "exceeded", limit: "memory" };
const missing = "a file of the installation is missing; start the server again";

function messageOf(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : "something that is no error";
}

/** `resourceLimits` bounds the heap of the thread, and not its typed arrays: they lie outside of it. */
function watchMemory(limitMb) {
  const most = process.memoryUsage.rss() + (limitMb + besideMb) * bytesPerMb;
  setInterval(() => {
    if (process.memoryUsage.rss() > most) tell(tooLarge);
  }, lookEveryMs);
}

let isTold = false;

/** Tells the server how it went; once. It ends this process then; without a result, this does so itself. */
function tell(outcome) {
  if (isTold) return;
  isTold = true;
  process.send(outcome, () => {
    if (outcome.kind !== "done") end();
  });
}

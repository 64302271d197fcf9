// Preloaded into a server with `--import`: each time for which the event loop was held longer than some
// milliseconds is a line in the file HOLD_FILE, when it was over and how long the main thread worked.
import { appendFileSync, readFileSync } from "node:fs";

const toldFromMs = 10;

function mainThreadMs() {
  try {
    return Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    // The system does not tell.
    return performance.now();
  }
}

let last = mainThreadMs();
setInterval(() => {
  const held = mainThreadMs() - last;
  if (held >= toldFromMs) appendFileSync(process.env.HOLD_FILE, `${Date.now()} ${held}\n`);
  last = mainThreadMs();
}, 1).unref();

// Preloaded into a server: measures how long its event loop is held up, and writes that at its end.
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const resolution = 2;
const delay = monitorEventLoopDelay({ resolution });
delay.enable();
// What the start itself takes is measured elsewhere.
setTimeout(() => delay.reset(), 500).unref();
process.on("exit", () => {
  const inMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
  const file = process.env.BENCH_DELAY_FILE;
  const figures = { p50: inMs(delay.percentile(50)), p99: inMs(delay.percentile(99)) };
  if (file !== undefined) writeFileSync(file, JSON.stringify(figures));
});

// What `turnwire inspect` costs that stands between a client and its server, recording: what it adds to a
// `ping`, how much goes through at most, and its processor time at 100 MB/s.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type BenchContext, type Findings, median, type Suite } from "../measure.js";
import { Peer } from "../peer.js";

export const inspector: Suite = { name: "inspector", run };

const main = "dist/main.js";
const megabyte = 1e6;
/** Messages of 1 KB, a line each. */
const message = `${JSON.stringify({ jsonrpc: "2.0", method: "note", params: { text: "x".repeat(950) } })}\n`;
const block = Buffer.from(message.repeat(64));
/** How fast the slow pour is, in bytes a second, and how often it pours. */
const pace = 100 * megabyte;
const betweenMs = 10;
/** A tick of the system's clock in `/proc`, in milliseconds. */
const tickMs = 10;

async function run(context: BenchContext): Promise<Findings> {
  const pings = context.isQuick ? 1_000 : 10_000;
  const folder = context.makeFolder();
  const server = [main, "serve", "--log-level", "warn", "--data-dir", join(folder, "data")];
  const tee = (name: string) => [
    main,
    "inspect",
    "--no-page",
    "--record",
    join(folder, name),
    "--",
  ];
  const direct = await pingMs(server, folder, pings);
  const through = await pingMs([...tee("pings"), process.execPath, ...server], folder, pings);
  const seconds = context.isQuick ? 2 : 5;
  const bare = await pour(["cat"], { bytes: 400 * megabyte });
  const poured = await pour([process.execPath, ...tee("pour"), "cat"], { bytes: 400 * megabyte });
  const paced = await pour([process.execPath, ...tee("paced"), "cat"], {
    bytes: seconds * pace,
    isPaced: true,
  });
  const suite = "inspector";
  return {
    rows: [
      {
        suite,
        what: "a `ping` through `turnwire inspect`, recorded",
        unit: "ms",
        ours: through,
        floor: direct,
        rule: { kind: "moreAtMost", limit: 0.5 },
        note: "floor: the same server without it",
      },
      {
        suite,
        what: "MB through it and `cat` and back, at most",
        unit: "/s",
        ours: poured.megabytesPerSecond,
        floor: bare.megabytesPerSecond,
        rule: { kind: "ratioAtLeast", limit: 0.1 },
        note: "floor: `cat` alone, which copies in the kernel",
      },
      {
        suite,
        what: "processor time at 100 MB/s, of one core",
        unit: "%",
        ours: paced.processorPercent,
        rule: { kind: "told" },
        note: `with the thread that records; ${Math.round(paced.megabytesPerSecond)} MB/s came through`,
      },
    ],
  };
}

/** The median time of a ping. */
async function pingMs(args: readonly string[], folder: string, count: number): Promise<number> {
  const peer = new Peer({ args, env: { HOME: folder } });
  await peer.request("initialize", {});
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    const began = performance.now();
    await peer.request("ping", {});
    // What is compiled the first time is left out.
    if (index > count / 10) samples.push(performance.now() - began);
  }
  await peer.end();
  return median(samples);
}

/** Pours bytes into a program that gives them back; as fast as it takes them, or at 100 MB/s. */
async function pour(
  [file = "", ...args]: readonly string[],
  { bytes, isPaced = false }: { readonly bytes: number; readonly isPaced?: boolean },
) {
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  let read = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    read += chunk.length;
  });
  child.stdin.write(block);
  await once(child.stdout, "data");
  const cpuBefore = cpuMs(child.pid);
  const began = performance.now();
  let written = 0;
  while (written < bytes) {
    const due = isPaced ? ((performance.now() - began) / 1000) * pace : bytes;
    while (written < Math.min(due, bytes)) {
      written += block.length;
      if (!child.stdin.write(block)) await once(child.stdin, "drain");
    }
    if (isPaced) await pause(betweenMs);
  }
  while (read < written) await once(child.stdout, "data");
  const ms = performance.now() - began;
  const processorPercent = ((cpuMs(child.pid) - cpuBefore) / ms) * 100;
  child.stdin.end();
  await once(child, "close");
  return { megabytesPerSecond: read / megabyte / (ms / 1000), processorPercent };
}

/** The processor time of a process and its threads so far; 0 where the system does not tell. */
function cpuMs(pid: number | undefined): number {
  if (process.platform !== "linux") return 0;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

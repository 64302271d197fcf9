// The end of a feed whose thread is not done in time.
import { expect, it } from "vitest";
import { ThreadFeed } from "../../src/inspector/threadFeed.js";

function feedTo(program: string, longestEndMs: number) {
  const told: string[] = [];
  const feed = new ThreadFeed({
    program: new URL(`data:text/javascript,${encodeURIComponent(program)}`),
    settings: { protocolLibrary: "", secrets: [], hidesContents: false },
    now: () => 1,
    onTrouble: (text) => told.push(text),
    onLink() {},
    longestEndMs,
  });
  return { feed, told };
}

it("tells that something is missing if the thread is never done", async () => {
  const { feed, told } = feedTo("setInterval(() => {}, 1000)", 1);
  await feed.end(0, undefined);
  expect(told).toEqual(["what came last is not recorded: it took too long"]);
});

it("has nothing to tell of a thread that is done", async () => {
  const { feed, told } = feedTo(
    `import { parentPort } from "node:worker_threads";
     parentPort.on("message", () => parentPort.postMessage({ kind: "done" }));`,
    60_000,
  );
  await feed.end(0, undefined);
  expect(told).toEqual([]);
});

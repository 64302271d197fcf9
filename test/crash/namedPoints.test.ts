// A server that dies at each named point of a run's way, at its first passing and at later ones.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FaultPoint } from "../../src/base/faultPoint.js";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { GoneError } from "../helpers/serverChild.js";
import type { ClientWindow } from "./clientWindow.js";
import { isLong } from "./longRun.js";
import { Playground } from "./playground.js";

let build: TestBuild;
beforeAll(() => {
  build = buildServer({ faultPoints: true });
});
afterAll(() => build.remove());

type OfQueues = "queueChanged" | "queueTakenOver" | "folding" | "folded";
/** They have tests of their own. */
type OfGoingOn = "adopted" | "goingOn" | "toolPending";

/** How often a server comes by each point in what {@link work} has it do. */
const passings: Readonly<
  Record<
    Exclude<
      FaultPoint,
      | "recovering"
      | "recovered"
      | OfQueues
      | OfGoingOn
      | `rew${string}`
      | `fork${string}`
      | `relay${string}`
    >,
    number
  >
> = {
  registered: 1,
  accepted: 3,
  turnBegun: 3,
  modelCalled: 3,
  partStored: 6,
  replyStored: 3,
  toolRunning: 2,
  toolDone: 2,
  resultStored: 2,
  finishing: 3,
  committed: 3,
  sending: 3,
  sent: 3,
  acknowledging: 3,
  acknowledged: 3,
};

const cases = Object.entries(passings).flatMap(([point, most]) =>
  Array.from({ length: isLong ? most : 1 }, (_, index) => `${point}:${index + 1}`),
);

describe("a server that dies at a named point", () => {
  test.concurrent.each(cases)("loses and invents nothing: %s", async (setting) => {
    const playground = await Playground.open(build.main);
    try {
      const books = playground.books();
      const window = playground.window(books);
      await diesOf(window, setting, () => work(window, books));
      expect(await playground.settle()).toEqual([]);
    } finally {
      await playground.close();
    }
  });

  test.concurrent.each(["recovering:1", "recovered:1"])(
    "while it tidies up after another: %s",
    async (setting) => {
      const playground = await Playground.open(build.main);
      try {
        const books = playground.books();
        const window = playground.window(books);
        await diesOf(window, "toolRunning:1", () => work(window, books));
        await diesOf(window, setting, async () => {});
        await diesOf(window, setting === "recovered:1" ? "sending:1" : setting, async () => {});
        expect(await playground.settle()).toEqual([]);
        const first = books.completionOf("run-0");
        expect(first).toMatchObject({ status: "interrupted", cause: "crash" });
      } finally {
        await playground.close();
      }
    },
  );

  test.concurrent.each(["queueChanged:1", "queueChanged:2", "queueChanged:4"])(
    "while a queue is changed: %s",
    async (setting) => {
      const playground = await Playground.open(build.main);
      try {
        const books = playground.books();
        const window = playground.window(books);
        await diesOf(window, setting, async () => {
          await work(window, books);
          await window.send(books.send("run-3", 0, "run-3: say"));
          await window.setPaused(0, true);
          await window.turnQueue(0);
          await window.setPaused(0, false);
        });
        expect(await playground.settle()).toEqual([]);
        // What waited in the paused queue was not lost with the server; it went on in its order.
        const isKept = setting !== "queueChanged:4";
        const status = isKept ? "succeeded" : "interrupted";
        const [second, third] = ["run-2", "run-3"].map((id) => books.completionOf(id));
        expect([second?.status, third?.status]).toEqual([status, status]);
        const isTurned = Number(third?.sequence) < Number(second?.sequence);
        expect(isTurned).toBe(setting !== "queueChanged:1");
      } finally {
        await playground.close();
      }
    },
  );

  test("while it takes over what waits in a paused queue", async () => {
    const playground = await Playground.open(build.main);
    try {
      const books = playground.books();
      const window = playground.window(books);
      await diesOf(window, "queueChanged:1", async () => {
        await work(window, books);
        await window.setPaused(0, true);
      });
      await diesOf(window, "queueTakenOver:1", () => window.setPaused(0, false));
      expect(await playground.settle()).toEqual([]);
      expect(books.completionOf("run-0")).toMatchObject({ status: "interrupted" });
      expect(books.completionOf("run-2")).toMatchObject({ status: "succeeded" });
    } finally {
      await playground.close();
    }
  });

  test("counts an attempt that it did not live to make", async () => {
    const playground = await Playground.open(build.main);
    try {
      const books = playground.books();
      const window = playground.window(books);
      await diesOf(window, "sending:1", () =>
        window.send(books.send("run-0", 0, "run-0: tool, say")),
      );
      await diesOf(window, "sending:1", () => window.resend());
      expect(await playground.settle()).toEqual([]);
      expect(books.completionOf("run-0")).toMatchObject({ attempt: 3, status: "succeeded" });
    } finally {
      await playground.close();
    }
  });
});

/** Three runs on two sessions, one of them queued behind another. */
async function work(window: ClientWindow, books: ReturnType<Playground["books"]>): Promise<void> {
  await window.send(books.send("run-0", 0, "run-0: tool, say"));
  await window.send(books.send("run-1", 1, "run-1: tool, say"));
  await window.send(books.send("run-2", 0, "run-2: say"));
}

/** Opens the window with a server that dies at the point while it does the work, or fails. */
async function diesOf(
  window: ClientWindow,
  setting: string,
  work: () => Promise<void>,
): Promise<void> {
  const died = (async () => {
    await window.open({ TURNWIRE_FAULT_POINT: setting });
    await work();
  })().catch((error: unknown) => {
    if (!(error instanceof GoneError)) throw error;
  });
  await died;
  expect(await window.died()).toBe("SIGKILL");
}

// protocol.md section 4, Queue: turns of a server that run at once are bounded.
import { expect, it } from "vitest";
import { RunSlots } from "../../src/coordinator/runSlots.js";

/** What waits, what runs, and who was told to wait. */
class Desk {
  most: number | undefined;
  readonly slots = new RunSlots(async () => this.most);
  readonly begun: string[] = [];
  readonly told: string[] = [];
  readonly cancelled: string[] = [];
  readonly #aborts = new Map<string, AbortController>();
  readonly #ends = new Map<string, () => void>();

  constructor(most?: number) {
    this.most = most;
  }

  /** `a1` is the first run of the client `a`. */
  ask(...names: string[]): Promise<void> {
    for (const name of names) {
      const abort = new AbortController();
      this.#aborts.set(name, abort);
      const waits = () => void this.told.push(name);
      this.slots.take({ clientId: name[0] ?? "", signal: abort.signal, waits }).then(
        (giveBack) => {
          this.begun.push(name);
          this.#ends.set(name, giveBack);
        },
        () => this.cancelled.push(name),
      );
    }
    return settled();
  }

  end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    return settled();
  }

  cancel(...names: string[]): Promise<void> {
    for (const name of names) this.#aborts.get(name)?.abort(new Error("cancelled"));
    return settled();
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

it("are not bounded unless told, and nobody is told to wait", async () => {
  const desk = new Desk();
  await desk.ask("a1", "a2", "b1");
  expect(desk.begun.toSorted()).toEqual(["a1", "a2", "b1"]);
  expect(desk.told).toEqual([]);
});

it("go to the clients in turn, and to one client's runs in order", async () => {
  const desk = new Desk(1);
  await desk.ask("a1", "a2", "a3", "b1", "b2", "c1");
  for (const name of ["a1", "b1", "c1", "a2", "b2", "a3"]) {
    expect(desk.begun.at(-1)).toBe(name);
    await desk.end(name);
  }
  expect(desk.begun).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  expect(desk.told.toSorted()).toEqual(["a2", "a3", "b1", "b2", "c1"]);
});

it("are never more than there are, whatever ends and is cancelled meanwhile", async () => {
  const desk = new Desk(2);
  await desk.ask("a1", "a2", "a3", "a4", "a5");
  await desk.cancel("a3");
  expect(desk.cancelled).toEqual(["a3"]);
  await desk.end("a1");
  expect(desk.begun).toEqual(["a1", "a2", "a4"]);
  await desk.end("a2");
  await desk.end("a4");
  await desk.ask("a6");
  expect(desk.begun).toEqual(["a1", "a2", "a4", "a5", "a6"]);
  await desk.ask("a7");
  expect(desk.begun).toHaveLength(5);
});

it("of a run that is cancelled as it gets one go to the next", async () => {
  const desk = new Desk(1);
  await desk.ask("a1", "a2", "a3");
  const end = desk.end("a1");
  // The slot is being granted just now.
  await desk.cancel("a2");
  await end;
  await settled();
  expect(desk.begun).toEqual(["a1", "a3"]);
  expect(desk.cancelled).toEqual(["a2"]);
});

it("are as many as the configuration says when one is given back", async () => {
  const desk = new Desk(1);
  await desk.ask("a1", "a2", "a3", "a4");
  desk.most = 3;
  await desk.end("a1");
  expect(desk.begun).toEqual(["a1", "a2", "a3", "a4"]);
  desk.most = 1;
  await desk.ask("a5");
  await desk.end("a2");
  await desk.end("a3");
  expect(desk.begun).toHaveLength(4);
  await desk.end("a4");
  expect(desk.begun.at(-1)).toBe("a5");
});

it("refuse a run that was cancelled before it asked", async () => {
  const desk = new Desk(1);
  const signal = AbortSignal.abort(new Error("too late"));
  const waits = () => void desk.told.push("x");
  await expect(desk.slots.take({ clientId: "x", signal, waits })).rejects.toThrow("too late");
  await desk.ask("a1");
  expect(desk.begun).toEqual(["a1"]);
});

it("does not read the limit where nobody waits for a slot", async () => {
  let reads = 0;
  const slots = new RunSlots(() => {
    reads++;
    return 1;
  });
  const { signal } = new AbortController();
  const giveBack = await slots.take({ clientId: "a", signal, waits: () => {} });
  expect(reads).toBe(1);
  giveBack();
  expect(reads).toBe(1);
});

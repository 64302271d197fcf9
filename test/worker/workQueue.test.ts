// The work queue of a worker, with a real nats-server that goes, refuses and forgets.
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { describe, it, type TestContext } from "vitest";
import { openNats } from "../../src/relay/openNats.js";
import { WorkQueue } from "../../src/worker/workQueue.js";
import { NatsServer, noNats } from "../helpers/natsServer.js";
import { unless } from "../helpers/unless.js";

const never = new AbortController().signal;
const outcomes = { stream: "OUTCOMES", subject: "turnwire" };
const options = { stream: "PROMPTS", consumer: "workers", subject: "prompts", outcomes };

async function open({ onTestFinished }: TestContext, config = "", settings: object = {}) {
  const nats = await NatsServer.start(config);
  const connections: NatsConnection[] = [];
  const queue = new WorkQueue(async () => {
    const connection = await openNats({ url: nats.url, ...settings }, { reconnect: true });
    connections.push(connection);
    return connection;
  }, options);
  onTestFinished(async () => {
    await queue.close();
    await nats.remove();
  });
  await queue.open();
  const give = (text: string, more: object = {}) =>
    nats.manage((_, connection) => jetstream(connection).publish("prompts", text), more);
  return { nats, queue, connections, give };
}

/** The next message, however often the queue cannot be asked before. */
async function take(queue: WorkQueue): Promise<string> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    try {
      const message = await queue.next(never);
      if (message !== undefined) {
        message.ack();
        return message.string();
      }
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (Date.now() > deadline) throw new Error("no message came");
  }
}

unless(
  describe,
  noNats !== undefined,
  noNats ?? "",
)("a work queue", () => {
  it.concurrent("connects again after its connection was closed for good, and once for all who ask", async (context) => {
    const { expect } = context;
    const { queue, connections, give } = await open(context);
    await give("one");
    expect(await take(queue)).toBe("one");
    await connections[0]?.close();
    await give("two");
    await give("three");
    const taken = await Promise.all([take(queue), take(queue)]);
    expect(taken.toSorted()).toEqual(["three", "two"]);
    expect(connections).toHaveLength(2);
  });

  it.concurrent("keeps its connection while it is refused again and again, for what is at work", async (context) => {
    const { expect } = context;
    const users = (password: string) => `authorization { user: ada, password: ${password} }`;
    const own = { user: "ada", pass: "right" };
    const settings = { user: "ada", password: "right" };
    const { nats, queue, connections, give } = await open(context, users("right"), settings);
    await give("one", own);
    const message = await queue.next(never);
    await nats.stop();
    await nats.begin(users("other"));
    let refusals = 0;
    for await (const { type } of connections[0]?.status() ?? []) {
      if (type === "error") refusals++;
      // The client would give up by itself after two.
      if (refusals === 3) break;
    }
    await nats.stop();
    await nats.begin(users("right"));
    await give("two", own);
    expect(await take(queue)).toBe("two");
    message?.ack();
    expect(connections).toHaveLength(1);
    const left = async () =>
      (await nats.manage(({ streams }) => streams.info("PROMPTS"), own)).state.messages;
    while ((await left()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it.concurrent("makes the consumer again where it was taken away", async (context) => {
    const { nats, queue, give } = await open(context);
    await nats.manage(({ consumers }) => consumers.delete("PROMPTS", "workers"));
    await give("one");
    context.expect(await take(queue)).toBe("one");
  });

  it.concurrent("makes the stream again where it was taken away", async (context) => {
    const { nats, queue, give } = await open(context);
    await nats.manage(({ streams }) => streams.delete("PROMPTS"));
    const next = take(queue);
    // It is made by the worker that asks.
    for (;;) {
      try {
        await give("two");
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    context.expect(await next).toBe("two");
  });

  it.concurrent("rejects where it is not let in at first, without the password, and is opened later", async (context) => {
    const { expect, onTestFinished } = context;
    const nats = await NatsServer.start("authorization { user: ada, password: right-password }");
    let password = "wrong-password";
    const connect = () => openNats({ url: nats.url, user: "ada", password }, { reconnect: true });
    const queue = new WorkQueue(connect, options);
    onTestFinished(async () => {
      await queue.close();
      await nats.remove();
    });
    for (let times = 0; times < 3; times++) {
      const error = await queue.open().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ message: expect.stringMatching(/authorization/i) });
      expect(String(error)).not.toContain(password);
    }
    password = "right-password";
    await queue.open();
  });

  it.concurrent("is not waited for once the worker is ended, and keeps what comes after that", async (context) => {
    const { queue, give } = await open(context);
    const ending = new AbortController();
    const begun = performance.now();
    const asked = queue.next(ending.signal);
    ending.abort();
    context.expect(await asked).toBeUndefined();
    context.expect(await queue.next(ending.signal)).toBeUndefined();
    // It would ask for 5 seconds.
    context.expect(performance.now() - begun).toBeLessThan(4000);
    await give("one");
    context.expect(await take(queue)).toBe("one");
  });

  it.concurrent("opens nothing any more once it is closed", async (context) => {
    const { expect } = context;
    const { queue, connections } = await open(context);
    const waiting = queue.next(never).catch(() => undefined);
    await queue.close();
    await waiting;
    await expect(queue.next(never)).rejects.toThrow();
    expect(connections).toHaveLength(1);
  });
});

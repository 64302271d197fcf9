// The queue of prompts that workers share, on a real `nats-server`.
import { AckPolicy, jetstream, RetentionPolicy } from "@nats-io/jetstream";
import type { NatsServer } from "./natsServer.js";

const stream = "TURNWIRE_PROMPTS";
const subject = "turnwire.prompts";

/** Makes the queue. A worker that dies, or is stopped, is found out after a second. */
export async function makePromptQueue(nats: NatsServer): Promise<void> {
  await nats.manage(async ({ streams, consumers }) => {
    const retention = RetentionPolicy.Workqueue;
    await streams.add({ name: stream, subjects: [subject], retention });
    const ack_policy = AckPolicy.Explicit;
    await consumers.add(stream, { durable_name: "workers", ack_policy, ack_wait: 1e9 });
  });
}

/** Puts messages into the queue: texts as they are, everything else as JSON. */
export async function putPrompts(
  nats: NatsServer,
  messages: readonly (object | string)[],
): Promise<void> {
  await nats.manage(async (_, connection) => {
    const client = jetstream(connection);
    for (const message of messages) {
      await client.publish(
        subject,
        typeof message === "string" ? message : JSON.stringify(message),
      );
    }
  });
}

/** How many prompts no worker has finished. */
export function promptsLeft(nats: NatsServer): Promise<number> {
  return nats.manage(async ({ streams }) => (await streams.info(stream)).state.messages);
}

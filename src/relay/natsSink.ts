// Carries completions to NATS JetStream (docs/fleet.md).
import { JetStreamApiError, type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { redact } from "../base/redact.js";
import { untilAborted } from "../base/untilAborted.js";
import type { NatsRelay } from "../config/relaySettings.js";
import { makeStream, outcomeStream } from "./natsStream.js";
import { openNats } from "./openNats.js";
import { eventMediaType, type RelayedEvent } from "./relayedEvent.js";
import type { Delivered, Refusal, Sink } from "./sink.js";

/** How long a stream may take to confirm, in milliseconds. */
const confirmMs = 10_000;
/** How many are under way at a time. */
const batch = 100;
/** What the headers of a message take of the largest that the server allows, at most. */
const headerBytes = 1024;

/** The server's codes (JetStream's `err_code`). */
const wrongLastId = 10070;
const tooLarge = 10054;

/**
 * A stream. The messages of a delivery are under way together, and each but the first names the one before
 * it: the server takes it only directly after that one. So none overtakes another that was lost or refused.
 */
export class NatsSink implements Sink {
  readonly batch = batch;
  readonly #relay: NatsRelay;
  readonly #patienceMs: number;
  #connection: NatsConnection | undefined;
  /** Whether the stream was there when that was last asked, and nothing has spoken against it since. */
  #hasStream = false;
  #isClosed = false;

  constructor(relay: NatsRelay, patienceMs = confirmMs) {
    this.#relay = relay;
    this.#patienceMs = patienceMs;
  }

  async deliver(events: readonly RelayedEvent[], signal: AbortSignal): Promise<Delivered> {
    let connection: NatsConnection;
    try {
      connection = await untilAborted(this.#connect(), signal);
    } catch (error) {
      return { confirmed: 0, refusal: signal.aborted ? { kind: "again" } : this.#wait(error) };
    }
    const mostBytes = (connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - headerBytes;
    const fitting = events.findIndex(({ json }) => Buffer.byteLength(json ?? "") > mostBytes);
    const sent = fitting < 0 ? events : events.slice(0, fitting);
    const client = jetstream(connection, { timeout: this.#patienceMs });
    const delivered = await this.#publish(client, sent, signal);
    if (delivered.confirmed < sent.length || fitting < 0) return delivered;
    const reason = `the server takes ${mostBytes} bytes`;
    return { confirmed: fitting, refusal: { kind: "tooLarge", reason, mostBytes } };
  }

  async #publish(
    client: JetStreamClient,
    events: readonly RelayedEvent[],
    signal: AbortSignal,
  ): Promise<Delivered> {
    const results = events.map(({ completion, identity, json = "" }, index) => {
      const told = headers();
      told.set("Content-Type", eventMediaType);
      const lastMsgID = events[index - 1]?.completion.completionId;
      return client
        .publish(
          `${this.#relay.subject}.${identity.machineId}.${completion.workspaceId}.completed`,
          json,
          {
            msgID: completion.completionId,
            headers: told,
            timeout: this.#patienceMs,
            // What comes of a lost answer is decided here.
            retries: 1,
            expect: defined({ lastMsgID, streamName: this.#relay.stream }),
          },
        )
        .then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
    });
    // One for all rounds would hold on to the events of each.
    let onAbort = () => {};
    const ended = new Promise<"ended">((resolve) => {
      onAbort = () => resolve("ended");
    });
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      for (const [confirmed, result] of results.entries()) {
        const failed = await Promise.race([result, ended]);
        if (failed === "ended") return { confirmed, refusal: { kind: "again" } };
        if (failed !== undefined) {
          return { confirmed, refusal: this.#refusal(failed.error, confirmed) };
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    return { confirmed: events.length };
  }

  #refusal(error: unknown, confirmed: number): Refusal {
    if (error instanceof JetStreamApiError) {
      // Another machine's message is between two of ours: the second is sent again, without that wish.
      if (error.code === wrongLastId && confirmed > 0) return { kind: "again" };
      if (error.code === tooLarge) return { kind: "tooLarge", reason: messageOf(error) };
    }
    return this.#wait(error);
  }

  #wait(error: unknown): Refusal {
    // Somebody may have taken it away.
    this.#hasStream = false;
    const isAway = error instanceof Error && error.name === "JetStreamNotEnabled";
    const reason = isAway
      ? `no stream takes ${this.#relay.subject}.*.*.completed`
      : `${error instanceof Error ? error.name : "Error"}: ${messageOf(error)}`;
    return { kind: "wait", reason: redact(reason, this.#relay.secrets) };
  }

  /** A lost connection is not mended in the background: the next delivery makes a new one. */
  async #connect(): Promise<NatsConnection> {
    const connection = await this.#opened();
    const { stream, subject } = this.#relay;
    if (stream !== undefined && !this.#hasStream) {
      await makeStream(connection, outcomeStream(stream, subject));
      this.#hasStream = true;
    }
    return connection;
  }

  async #opened(): Promise<NatsConnection> {
    const known = this.#connection;
    if (known !== undefined && !known.isClosed()) return known;
    this.#hasStream = false;
    const connection = await openNats(this.#relay);
    this.#connection = connection;
    if (this.#isClosed) await this.close();
    return connection;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // It rejects where the connection was lost: then nothing is left to close.
    await this.#connection?.close().catch(() => {});
  }
}

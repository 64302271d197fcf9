// An outbox with connections to it: what tests of delivery begin with.
import { Delivery } from "../../src/events/delivery.js";
import { OutboxHouse, temporaryFolder } from "./outboxHouse.js";
import type { Pipe } from "./pipe.js";
import { recordingLog } from "./recordingLog.js";

/** An outbox of its own in a fresh folder, and the log of all that is connected to it. */
export class DeliveryHouse extends OutboxHouse {
  readonly log = recordingLog();
  readonly #folder: ReturnType<typeof temporaryFolder>;

  get folder(): string {
    return this.#folder.path;
  }

  /** See {@link OutboxHouse}. */
  constructor(sharesCommits = false) {
    const folder = temporaryFolder();
    super(folder.path, undefined, sharesCommits);
    this.#folder = folder;
  }

  connect(pipe: Pipe, clientId = "client"): Delivery {
    const { outbox, clock, log } = this;
    const delivery = new Delivery({ outbox, sender: pipe, clock, log: log.log, clientId });
    outbox.onAppended((appended) => delivery.announce(appended));
    return delivery;
  }

  override close(): void {
    super.close();
    this.#folder.remove();
  }
}

/** Tells who the client is, and lets everything follow. */
export function identify(delivery: Delivery, ackTimeoutMs?: number, clientId = "client") {
  const told = delivery.identify({ clientId, ackTimeoutMs, optOutNotifications: [] });
  delivery.release();
  return told;
}

/** An event that may be lost. */
export const event = (count: number) =>
  ({
    method: "queueChanged",
    params: { workspaceId: "ws", sessionId: "s", count, paused: false },
  }) as const;

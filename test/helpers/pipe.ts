import { Deferred } from "../../src/base/deferred.js";
import type { ServerNotification } from "../../src/protocol/registry.js";

/** A pipe that takes one message whenever it is told to. */
export class Pipe {
  readonly taken: ServerNotification[] = [];
  isFree = true;
  #busy: Deferred<void> | undefined;

  async send(message: ServerNotification): Promise<void> {
    if (this.#busy !== undefined) throw new Error("sent before the last one was taken");
    if (!this.isFree) {
      this.#busy = new Deferred();
      await this.#busy.promise;
      this.#busy = undefined;
    }
    this.taken.push(message);
  }

  take(): void {
    this.#busy?.resolve();
  }

  break(): void {
    this.#busy?.reject(new Error("EPIPE"));
  }

  /** What has left: completions by sequence and attempt, events by name and count. */
  get summary(): string[] {
    return this.taken.map((message) => {
      if (message.method === "runComplete") {
        return `#${message.params.sequence} (${message.params.attempt})`;
      }
      if (message.method === "queueChanged") return `event ${message.params.count}`;
      return message.method;
    });
  }
}

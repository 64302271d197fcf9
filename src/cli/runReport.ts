/** What `turnwire run` writes to its output, in each of the formats (docs/cli.md). */
import { defined } from "../base/defined.js";
import type { TurnwireClient } from "../client/TurnwireClient.js";
import type { RunComplete } from "../protocol/objects/run.js";
import { pendingCompletions } from "../protocol/pendingCompletions.js";
import type { LossyEvent } from "../protocol/registry.js";
import type { EarlyEnd } from "./runEnd.js";
import type { OutputFormat } from "./runOptions.js";
import type { Output } from "./runOutput.js";
import type { RunText } from "./runText.js";

export class RunReport {
  readonly #out: Output;
  readonly #format: OutputFormat;
  /** The members that the one object of `json` has besides the completion. */
  #missed: readonly RunComplete[] | undefined;

  constructor(out: Output, format: OutputFormat) {
    this.#out = out;
    this.#format = format;
  }

  /** Writes one event, if events are asked for. */
  async event(event: LossyEvent): Promise<void> {
    if (this.#format === "stream-json") await this.#writeLine(event);
  }

  /**
   * Writes the completions that earlier runs of this session have left, before the output of this run.
   * `tell` is called with each. Each is acknowledged after it is written. In `json` that is together with
   * the completion of this run.
   *
   * @throws Error if one could not be written. Then it is not acknowledged.
   */
  async missed(
    client: TurnwireClient,
    tell: (completion: RunComplete) => Promise<void>,
  ): Promise<void> {
    if (client.server.pendingCompletions === 0) return;
    const missed: RunComplete[] = [];
    if (this.#format === "json") this.#missed = missed;
    for await (const completion of pendingCompletions((asked) =>
      client.api.listPendingCompletions(asked),
    )) {
      await tell(completion);
      if (this.#format === "json") {
        missed.push(completion);
        continue;
      }
      if (this.#format === "stream-json") await this.#writeEnd(completion, "runComplete");
      else if (completion.text !== "") await this.#out.write(`${completion.text.trimEnd()}\n`);
      this.#throwIfBroken();
      await client.acknowledge([completion.completionId]);
    }
  }

  /**
   * Writes the completion of this run.
   *
   * @throws Error if it could not be written. Then it must not be acknowledged.
   */
  async completion(completion: RunComplete, text: RunText, client: TurnwireClient): Promise<void> {
    if (this.#format === "text") {
      await text.finish(completion.messageId);
      const value = JSON.stringify(completion.output);
      if (value !== undefined) await this.#out.write(`${value}\n`);
    } else {
      const missed = this.#missed?.length === 0 ? undefined : this.#missed;
      await this.#writeEnd({ ...completion, ...defined({ missed }) }, "runComplete");
    }
    await this.#out.finish();
    this.#throwIfBroken();
    const ids = this.#missed?.map(({ completionId }) => completionId) ?? [];
    if (ids.length > 0) await client.acknowledge(ids);
  }

  /** Writes an end without a completion, for programs. */
  async early(end: EarlyEnd): Promise<void> {
    if (this.#format === "text") return;
    await this.#writeEnd(end, "runRefused");
    await this.#out.finish();
  }

  /** One object for every kind of end. */
  #writeEnd(end: object, method: "runComplete" | "runRefused"): Promise<void> {
    return this.#writeLine(this.#format === "json" ? end : { method, params: end });
  }

  #writeLine(line: object): Promise<void> {
    return this.#out.write(`${JSON.stringify(line)}\n`);
  }

  #throwIfBroken(): void {
    if (this.#out.failure !== undefined) throw this.#out.failure;
  }
}

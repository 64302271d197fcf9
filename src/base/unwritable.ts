/**
 * A message that cannot be written as JSON: it is nested too deep, longer than a string may be, or
 * holds what JSON does not know. The connection itself is well.
 */
export class UnwritableMessage extends Error {
  constructor(cause: unknown) {
    super("the message cannot be written as JSON", { cause });
    this.name = "UnwritableMessage";
  }
}

/**
 * A message that cannot be written as JSON: it is nested too deep, longer than a string may be, or
 * holds a value that JSON does not have. The connection itself still works.
 */
export class UnwritableMessage extends Error {
  constructor(cause: unknown) {
    super("the message cannot be written as JSON", { cause });
    this.name = "UnwritableMessage";
  }
}

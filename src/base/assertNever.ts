/** A case of a union that was forgotten does not compile. A value that no case knows throws. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}

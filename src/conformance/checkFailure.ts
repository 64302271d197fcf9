// How a check says that a server does not keep a requirement.

/** What a server did not do; `message` says it to whoever wrote the server. */
export class CheckFailure extends Error {
  override readonly name = "CheckFailure";
}

/** Why a check could not be made; it counts neither as passed nor as failed. */
export class CheckSkipped extends Error {
  override readonly name = "CheckSkipped";
}

/** Throws {@link CheckFailure} unless `condition` holds. */
export function demand(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CheckFailure(message);
}

/** Throws {@link CheckFailure} unless both are the same JSON. */
export function demandSame(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  demand(left === right, `${what}: ${left ?? "nothing"} instead of ${right ?? "nothing"}`);
}

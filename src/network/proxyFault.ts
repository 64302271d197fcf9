/** The kind of a proxy's fault. */
export type ProxyFaultKind =
  /** The variable that names it is wrong. Nothing was sent. */
  | "setup"
  /** The proxy was not reached, or did not answer. */
  | "unreachable"
  /** The proxy refused the request. */
  | "refused"
  /** The proxy cannot reach the target at present. */
  | "farSide";

/**
 * A request failed at a proxy. The message names the proxy's host and its variable, and says what to do.
 * It never contains a user name or a password.
 */
export class ProxyFault extends Error {
  override readonly name = "ProxyFault";
  constructor(
    readonly kind: ProxyFaultKind,
    /** The fault, as the end of a sentence. */
    readonly what: string,
    readonly advice: string,
    options: ErrorOptions & {
      /** Whether the proxy perhaps only makes no tunnel, and accepts a request in another form. */
      readonly mayDoWithoutTunnel?: boolean;
    } = {},
  ) {
    super(`${what}. ${advice}`, options);
    this.mayDoWithoutTunnel = options.mayDoWithoutTunnel ?? false;
  }

  readonly mayDoWithoutTunnel: boolean;
}

/** The proxy's fault inside an error that may be wrapped several times. */
export function proxyFaultIn(error: unknown): ProxyFault | undefined {
  let current = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    if (current instanceof ProxyFault) return current;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}

/** What is the matter with a proxy. */
export type ProxyFaultKind =
  /** The variable that names it is wrong: nothing was sent anywhere. */
  | "setup"
  /** It was not reached, or did not answer. */
  | "unreachable"
  /** It answered that it does not do this, or not for us. */
  | "refused"
  /** It answered that it cannot reach the other side at present. */
  | "farSide";

/**
 * A request did not get past a proxy. The message names the proxy's host and the variable that it comes
 * from, and what to do; it never holds a user name or a password.
 */
export class ProxyFault extends Error {
  override readonly name = "ProxyFault";
  constructor(
    readonly kind: ProxyFaultKind,
    /** What is the matter, as the end of a sentence. */
    readonly what: string,
    readonly advice: string,
    options: ErrorOptions & {
      /** Whether it may be that it only makes no tunnel, and takes a request in another form. */
      readonly mayDoWithoutTunnel?: boolean;
    } = {},
  ) {
    super(`${what}. ${advice}`, options);
    this.mayDoWithoutTunnel = options.mayDoWithoutTunnel ?? false;
  }

  readonly mayDoWithoutTunnel: boolean;
}

/** The fault of a proxy that an error is about, however often it was wrapped. */
export function proxyFaultIn(error: unknown): ProxyFault | undefined {
  let current = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    if (current instanceof ProxyFault) return current;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}

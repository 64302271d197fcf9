import type { Proxies } from "./proxies.js";

/** The way of a request to its target. */
export interface Route {
  /** The proxies that its environment names. */
  readonly proxies?: Proxies | undefined;
  /** How long the other side may send nothing, in milliseconds. The caller watches this time. */
  readonly silenceMs?: number | undefined;
  /** Whether the answer may be another class than the platform's `Response`, which does the same. */
  readonly isLight?: boolean;
}

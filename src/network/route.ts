import type { Proxies } from "./proxies.js";

/** How a request gets to where it goes. */
export interface Route {
  /** The proxies that its environment names. */
  readonly proxies?: Proxies | undefined;
  /** How long the other side may send nothing, in milliseconds; whoever asks watches that. */
  readonly silenceMs?: number | undefined;
}

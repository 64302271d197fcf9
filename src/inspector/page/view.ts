import type { Feed } from "./feed.js";

/** What every view gets. */
export interface Shown {
  readonly feed: Feed;
  /** Whether the contents of messages are left out. */
  readonly isHidden: boolean;
  /** Shows a row of the traffic. */
  show(index: number): void;
}

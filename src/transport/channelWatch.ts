import type { Frame } from "./framing.js";

/** Sees the messages of channels: what came in, also what is no message, and what goes out. */
export interface ChannelWatcher {
  received(pipe: string, frame: Frame): void;
  sent(pipe: string, json: string): void;
  closed(pipe: string): void;
}

/** The place for a watcher. Most of the time nobody watches. */
export interface ChannelWatch {
  /** The name of this channel among those that are watched. */
  readonly pipe: string;
  readonly at: { watcher?: ChannelWatcher };
}

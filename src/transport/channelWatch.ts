import type { Message } from "vscode-jsonrpc/node";
import type { Frame } from "./framing.js";

/** Sees the messages of channels: what came in, also what is no message, and what goes out. */
export interface ChannelWatcher {
  received(pipe: string, frame: Frame): void;
  sent(pipe: string, json: string): void;
  closed(pipe: string): void;
}

/**
 * Hears of a message behind it: in the order of the handlers if it was received, in the order of the
 * sending if it was sent. `idText` is its id as the other side wrote it.
 */
type MessageListener = (direction: "received" | "sent", message: Message, idText?: string) => void;

/** The place for a listener of one channel. Most of the time nobody listens. */
export interface ChannelTap {
  onMessage?: MessageListener | undefined;
}

/** The place for a watcher. Most of the time nobody watches. */
export interface ChannelWatch {
  /** The name of this channel among those that are watched. */
  readonly pipe: string;
  readonly at: { watcher?: ChannelWatcher };
}

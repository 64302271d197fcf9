/** What the process of `turnwire inspect` and its thread say to each other. */
import type { ClientLoad } from "../base/clientLoad.js";
import type { Frame } from "../transport/framing.js";
import type { Side } from "./entries.js";
import type { RecordingFormat } from "./recordingFile.js";

/** What the thread is told when it begins. */
export interface ThreadSettings {
  /** The library with the schemas of the protocol, as a URL. */
  readonly protocolLibrary: string;
  /** What is a secret from the beginning. */
  readonly secrets: readonly string[];
  readonly hidesContents: boolean;
  /** A server that shows itself, to whoever of its user's connects. */
  readonly served?: {
    readonly folder: string;
    readonly pid: number;
    readonly command: readonly string[];
  };
  /** The servers of a data directory that show themselves. */
  readonly live?: { readonly folder: string; readonly database: string };
  /** A recording to be shown, instead of a pipe. */
  readonly file?: string;
  /** The page, unless none is wanted. */
  readonly page?: {
    /** 0: any port that is free. */
    readonly port: number;
    /** The files of the page, as URLs. */
    readonly script: string;
    readonly style: string;
  };
  readonly record?: {
    readonly path: string;
    readonly format: RecordingFormat;
    readonly mostBytes: number;
  };
}

/** What somebody wants to be done with a completion. */
export interface CompletionAction {
  readonly what: "redeliver" | "acknowledge";
  readonly completionId: string;
  readonly clientId: string;
  readonly sequence: number;
}

/** A figure of a server, with its unit. */
export interface Figure {
  readonly name: string;
  readonly value: string;
}

/** What goes to the thread. */
export type ToThread =
  /** A message of one of a server's channels, or why what came is none. */
  | {
      readonly kind: "frame";
      readonly at: number;
      readonly pipe: string;
      readonly from: Side;
      readonly frame: Frame;
    }
  | { readonly kind: "closed"; readonly at: number; readonly pipe: string }
  | {
      readonly kind: "health";
      readonly health: readonly Figure[];
      readonly clients: readonly ClientLoad[];
    }
  /** What the server has written to its log. */
  | { readonly kind: "log"; readonly at: number; readonly text: string }
  | { readonly kind: "acted"; readonly id: number; readonly refusal?: string }
  | {
      readonly kind: "start";
      readonly at: number;
      readonly command: readonly string[];
      readonly pid?: number;
    }
  | {
      readonly kind: "bytes";
      readonly at: number;
      readonly from: Side | "stderr";
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "skipped"; readonly at: number; readonly from: Side; readonly bytes: number }
  | { readonly kind: "end"; readonly at: number; readonly code?: number; readonly signal?: string };

/** What comes from the thread. */
export type FromThread =
  /** So many bytes were looked at. */
  | { readonly kind: "taken"; readonly bytes: number }
  /** Something went wrong that the user should know; the pipe goes on. */
  | { readonly kind: "trouble"; readonly text: string }
  /** Somebody wants this to be done. */
  | { readonly kind: "act"; readonly id: number; readonly action: CompletionAction }
  /** The page can be opened by this link. */
  | { readonly kind: "link"; readonly link: string }
  /** What was asked for cannot be done. */
  | { readonly kind: "failed"; readonly text: string }
  /** Everything is written: the thread can be ended. */
  | { readonly kind: "done" };

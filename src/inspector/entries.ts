/**
 * What the inspector shows and records, one entry a happening (docs/inspecting.md, The recording).
 * The page and the thread share these types, so nothing here needs Node.
 */

/** Which side of a pipe sent something. */
export type Side = "client" | "server";

/** What every entry has. */
interface EntryBase {
  /** When it happened, in milliseconds since 1970. */
  readonly at: number;
  /** The pipe on which it happened, where several are watched. */
  readonly pipe?: string;
}

/** A message of JSON-RPC. Secrets in it are replaced before it becomes an entry. */
export interface MessageEntry extends EntryBase {
  readonly kind: "message";
  readonly from: Side;
  /** Its size on the pipe, without the frame. */
  readonly bytes: number;
  readonly message: unknown;
  /** Why it is not valid; absent where it is. */
  readonly invalid?: string;
}

/** Bytes that are no message: no JSON, a broken frame, or a message that is too long to be kept. */
export interface BrokenEntry extends EntryBase {
  readonly kind: "broken";
  readonly from: Side;
  readonly bytes: number;
  readonly invalid: string;
  /** The beginning of it, where it is known. */
  readonly text?: string;
}

/** Bytes that were passed on while the recorder was too slow to look at them. */
export interface GapEntry extends EntryBase {
  readonly kind: "gap";
  readonly from: Side;
  readonly bytes: number;
}

/** Entries that a reader was too slow for: they are not kept any more where it reads. */
export interface MissedEntry extends EntryBase {
  readonly kind: "missed";
  readonly count: number;
}

/** A line that the server wrote to stderr. */
export interface StderrEntry extends EntryBase {
  readonly kind: "stderr";
  readonly text: string;
}

/** A pipe begins to be watched. */
export interface StartEntry extends EntryBase {
  readonly kind: "start";
  /** What was started, or which server it is. */
  readonly command: readonly string[];
  readonly pid?: number;
}

/** A pipe has ended. */
export interface EndEntry extends EntryBase {
  readonly kind: "end";
  readonly code?: number;
  readonly signal?: string;
}

export type Entry =
  | MessageEntry
  | BrokenEntry
  | GapEntry
  | MissedEntry
  | StderrEntry
  | StartEntry
  | EndEntry;

/** The first line of a recording. */
export interface RecordingHeader {
  readonly recording: "turnwire";
  readonly version: 1;
  readonly at: number;
  /** Whether the contents of messages were left out. */
  readonly hidden: boolean;
  /** Whether the lines before it are in the file that has `.1` at its end. */
  readonly continued?: boolean;
}

import type { BookedQuestion } from "./questionBook.js";

/** The run that asks. */
export interface AskedRun {
  /** Its place among all runs of the data directory. */
  readonly position: number;
  readonly clientId: string;
  /** How long a question waits while no connection of the client lives; 0: not at all. */
  readonly permissionSeconds: number;
  /** Whether the next server asks again what is open when this one is gone. */
  readonly goesOn?: () => boolean;
  /** Whether it belongs to this server no more. */
  readonly isLeft?: () => boolean;
  /** The same question, if an earlier server has asked it. */
  readonly left?: BookedQuestion;
}

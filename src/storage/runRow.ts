import { storedAmount, storedText, storedTime } from "./damage.js";
import type { Row } from "./database.js";

/** The state of a run (protocol.md section 4, `getRun`). */
export type StoredRunState = "accepted" | "queued" | "running" | "completed";

/** The `serverId` of open runs that belong to no server. */
export const nobody = "";

/** A stored run. `position` is the order of acceptance. */
export interface RunRow {
  readonly position: number;
  readonly workspaceId: string;
  readonly sessionId: string;
  readonly runId: string | undefined;
  readonly clientId: string;
  /** The server that has it; {@link nobody} if it waits for one. */
  readonly serverId: string;
  readonly kind: "prompt" | "summary";
  /** Undefined if that is damaged. */
  readonly promptHash: string | undefined;
  readonly state: StoredRunState;
  readonly hasBegun: boolean;
  /** The options that apply to it, as JSON; undefined if there are none. */
  readonly options: string | undefined;
  readonly acceptedAt: number;
  /** The position of the run whose turn it has joined; it ends with that. */
  readonly joinedTo: number | undefined;
  /** Its place among the runs of its session: its position, unless it was moved. */
  readonly place: number;
  /** Whether it goes on after the loss of its server. */
  readonly goesOn: boolean;
  /** How often it has changed its server: what an earlier one writes does not count. */
  readonly epoch: number;
  /** How often another server has gone on with it. */
  readonly continuations: number;
}

/** Who has a run: only the writes of this one count. */
export interface Owner {
  readonly serverId: string;
  readonly epoch: number;
}

/** Whether a run waits for a server that goes on with it. */
export function isWaiting({
  state,
  serverId,
  goesOn,
}: Pick<RunRow, "state" | "serverId" | "goesOn">): boolean {
  return goesOn && serverId === nobody && state !== "completed";
}

/** The values of a new run. */
export type NewRun = Omit<
  RunRow,
  | "position"
  | "place"
  | "hasBegun"
  | "joinedTo"
  | "promptHash"
  | "goesOn"
  | "epoch"
  | "continuations"
> & {
  readonly promptHash: string;
};

const states: ReadonlySet<unknown> = new Set(["accepted", "queued", "running", "completed"]);

/** A row of the table of runs. */
export function toRow(row: Row): RunRow {
  return {
    position: Number(row.position),
    workspaceId: String(row.workspaceId),
    sessionId: String(row.sessionId),
    runId: storedText(row.runId),
    clientId: String(row.clientId),
    serverId: String(row.serverId),
    kind: row.kind === "summary" ? "summary" : "prompt",
    promptHash: storedText(row.promptHash) || undefined,
    state: states.has(row.state) ? (row.state as StoredRunState) : "completed",
    hasBegun: row.hasBegun === 1,
    options: storedText(row.options),
    acceptedAt: storedTime(row.acceptedAt),
    joinedTo: typeof row.foldedInto === "number" ? row.foldedInto : undefined,
    place: Number(row.place ?? row.position),
    goesOn: row.goesOn === 1,
    epoch: storedAmount(row.epoch),
    continuations: storedAmount(row.continuations),
  };
}

/** What runs the turns of a history, and keeps count of what it was asked for. */
export interface Runner {
  /** The engine of the workspace; absent: the built-in one. */
  readonly engine?: string;
  /** The configuration of the servers. */
  readonly config: object;
  /** How often each step of each run was done: `run-7#0`. */
  readonly asked: ReadonlyMap<string, number>;
  /** The runs whose prompts it got; absent where it is not known. */
  readonly got?: ReadonlySet<string>;
  /** What it finds wrong once every server has ended. */
  complaints(): Promise<readonly string[]>;
  close(): Promise<void>;
}

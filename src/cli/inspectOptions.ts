/** What `turnwire inspect` can be asked for (docs/inspecting.md). */
export interface InspectOptions {
  /** The server to start, with its arguments. */
  readonly command?: readonly [string, ...string[]];
  /** A recording to be opened. */
  readonly file?: string;
  /** The data directory whose servers are looked into, where neither of both is named. */
  readonly dataDir?: string;
  /** The port of the page; any that is free, unless it is named. */
  readonly port: number;
  /** Whether there is a page. */
  readonly page: boolean;
  /** Where everything that goes through is recorded. */
  readonly record?: string;
  readonly format: "turnwire" | "lsp";
  /** How large the recording may become, in megabytes. */
  readonly recordLimit: number;
  readonly hideContents?: true;
}

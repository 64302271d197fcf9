/** What `turnwire relay` can be asked for (docs/cli.md). */
export type RelayCommandOptions = { readonly dataDir?: string } & (
  | RelayRun
  | { readonly action: "status"; readonly json?: true }
  | { readonly action: "retry"; readonly name: string; readonly completionId?: string }
  | { readonly action: "forget"; readonly name: string }
);

/** Carries completions until it is ended. */
export interface RelayRun {
  readonly action: "run";
  /** The relay's name, if its place is named here; else the relay of the configuration. */
  readonly name?: string;
  /** Where to; without any of them, to the places of the user's configuration. */
  readonly nats?: string;
  readonly stream?: string;
  readonly postgres?: string;
  readonly table?: string;
  readonly http?: string;
  readonly secret?: string;
  /** Ends when everything that was there at the start is sent. */
  readonly once?: true;
  readonly logLevel: string;
}

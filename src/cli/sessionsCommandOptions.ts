/** The options of `turnwire sessions` (docs/cli.md). */

export const exportFormats = ["markdown", "json"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export type SessionsCommandOptions = { readonly dataDir?: string } & (
  | ({ readonly action: "list"; readonly limit?: number } & Listed)
  | { readonly action: "show"; readonly session: string; readonly json?: true }
  | {
      readonly action: "export";
      readonly session: string;
      readonly format: ExportFormat;
      readonly outputFile?: string;
    }
  | { readonly action: "delete"; readonly sessions: readonly string[]; readonly yes?: true }
  | ({ readonly action: "search"; readonly query: string; readonly limit?: number } & Listed)
);

/** Whose sessions are meant, and the form of the output. */
interface Listed {
  /** The folder; by default the process's own. */
  readonly cwd?: string;
  /** Whether the sessions of every folder are meant. */
  readonly all?: true;
  readonly json?: true;
}

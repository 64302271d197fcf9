/** What `turnwire sessions` is asked for (docs/cli.md). */

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

/** Which folder's sessions are meant, and for whom they are written. */
interface Listed {
  /** The folder; by default the process's own. */
  readonly cwd?: string;
  /** Those of every folder. */
  readonly all?: true;
  readonly json?: true;
}

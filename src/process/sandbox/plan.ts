// What a sandbox lets a program do, as data. It is the same for every way to enforce it.

/** The values of `permissions.sandbox` in the configuration. */
export type SandboxMode = "read-only" | "workspace-write";

/** What the configuration asks for. */
export interface SandboxRequest {
  readonly mode: SandboxMode;
  /** `permissions.network` */
  readonly network: "none" | "allow";
}

/**
 * What one program can see. Paths are absolute and real. Everything that is not named can be read,
 * but not written.
 */
export interface SandboxPlan {
  readonly network: SandboxRequest["network"];
  /** The folder that the program works in. */
  readonly cwd: string;
  /** Folders that can be written. */
  readonly writable: readonly string[];
  /** Paths that can be seen although a folder around them is hidden. */
  readonly readable: readonly string[];
  /** Folders inside a writable one that stay writable, but can be neither renamed nor replaced. */
  readonly pinned: readonly string[];
  /** Files and folders inside a writable one that cannot be written, renamed or replaced. */
  readonly protected: readonly string[];
  /** Names inside a writable folder that do not exist and must not be created. */
  readonly absent: readonly string[];
  /** Hidden paths: folders seem empty, and files cannot be opened. */
  readonly hiddenFolders: readonly string[];
  readonly hiddenFiles: readonly string[];
  /**
   * The folder that is `/tmp` inside. It is kept for the next program; without it, `/tmp` is new
   * each time.
   */
  readonly temporary?: string;
  /** Files that can be seen, and written, under another path. */
  readonly files: readonly { readonly from: string; readonly to: string }[];
}

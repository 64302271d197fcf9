// What a sandbox lets a program do, as data: the same for every way to enforce it.

/** What may be asked for in the configuration (`permissions.sandbox`). */
export type SandboxMode = "read-only" | "workspace-write";

/** What the configuration asks for. */
export interface SandboxRequest {
  readonly mode: SandboxMode;
  /** `permissions.network` */
  readonly network: "none" | "allow";
}

/**
 * What one program sees. Paths are absolute and real. Everything that is not named can be read, and
 * not written.
 */
export interface SandboxPlan {
  readonly network: SandboxRequest["network"];
  /** The folder that the program works in. */
  readonly cwd: string;
  /** Folders that can be written. */
  readonly writable: readonly string[];
  /** What is to be seen although a folder around it is not. */
  readonly readable: readonly string[];
  /** Folders inside a writable one that stay writable, but can be neither renamed nor replaced. */
  readonly pinned: readonly string[];
  /** Files and folders inside a writable one that cannot be written, renamed or replaced. */
  readonly protected: readonly string[];
  /** Names inside a writable folder that do not exist, and must not come to be. */
  readonly absent: readonly string[];
  /** Folders that seem empty, and files that cannot be opened. */
  readonly hiddenFolders: readonly string[];
  readonly hiddenFiles: readonly string[];
  /** The folder that is `/tmp` inside, kept from one program to the next; else a new one. */
  readonly temporary?: string;
  /** Files that are to be seen, and written, under another path. */
  readonly files: readonly { readonly from: string; readonly to: string }[];
}

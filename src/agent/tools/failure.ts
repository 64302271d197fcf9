/** A tool call that cannot be done, in words for the model: what is wrong, and what to do instead. */
export class ToolFailure extends Error {
  /** Whether permission was refused. */
  readonly denied: boolean;

  constructor(message: string, options: { denied?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ToolFailure";
    this.denied = options.denied ?? false;
  }
}

/** The code of an error of the operating system (`ENOENT`, …), if it is one. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

const explanations: Readonly<Record<string, string>> = {
  EACCES: "the operating system does not permit it",
  EPERM: "the operating system does not permit it",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  ENAMETOOLONG: "the path is too long",
  ELOOP: "the path leads through a loop of symbolic links, or was replaced by one just now",
  EMFILE: "too many files are open; try again",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is a file, not a folder",
  EISDIR: "it is a folder",
};

/** What an error of the operating system means, for the model; undefined for any other error. */
export function explainSystemError(error: unknown): string | undefined {
  const code = systemErrorCode(error);
  if (code === undefined) return undefined;
  return `${explanations[code] ?? "the operating system refused"} (${code})`;
}

/**
 * Does something with the path that the model named `asked`; what goes wrong with it is told with
 * that name.
 */
export async function aboutPath<T>(asked: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const explanation = explainSystemError(error);
    if (explanation === undefined) throw error;
    throw new ToolFailure(`\`path\` ${asked}: ${explanation}.`, { cause: error });
  }
}

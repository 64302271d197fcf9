// Errors of the operating system: their code, and what they mean in words.
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
  EEXIST: "there is something of that name already",
  ENOLCK: "the file system has no locks",
  ESTALE: "it lay on a network mount whose server has lost it",
  EIO: "the device reported an error",
  ENOTCONN: "it lies on a mount whose server is gone",
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

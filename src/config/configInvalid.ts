// The only way to report a wrong configuration: by file and field, never by value, because the
// value may be a key.
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";

/** One thing that is wrong in a file. `path` is written as in `providers.local.models[0].id`. */
export interface ConfigIssue {
  readonly path: string;
  readonly message: string;
  /** The line in the file, from 1 on; absent where it is about the whole file. */
  readonly line?: number;
}

/** A `ConfigInvalid` with `data: {file, issues}`; its message names the file and the first issue. */
export function configInvalid(
  file: string,
  issues: readonly ConfigIssue[],
  cause?: unknown,
): DomainError {
  const [first] = issues;
  const where = first?.path ? `${first.path}: ` : "";
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return new DomainError(
    "ConfigInvalid",
    `${file}: ${where}${first?.message ?? "invalid"}${more}`,
    {
      data: { file, issues },
      ...defined({ cause }),
    },
  );
}

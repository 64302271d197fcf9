// The files of a database while it is open, and whether they are still the ones that were opened.
import { DomainError } from "../base/errors.js";
import { inodeOf } from "../base/fileIdentity.js";

/**
 * The files may be deleted or replaced while they are open: what is written into them then is found
 * by nobody again, so it must not be promised.
 */
export class OpenedFiles {
  /** The files that are written, and their identities when they were opened. */
  readonly #identities: ReadonlyMap<string, string>;

  constructor(paths: readonly string[]) {
    this.#identities = new Map(paths.map((path) => [path, inodeOf(path)]));
  }

  /** @throws DomainError `StorageFailed`, `reason: "databaseReplaced"`, if one of them is gone. */
  refuseWithout(): void {
    for (const [path, identity] of this.#identities) {
      if (inodeOf(path) === identity) continue;
      throw new DomainError(
        "StorageFailed",
        "The database was deleted or replaced while this server had it open; nothing can be kept any more: end this server, and start it again.",
        { data: { reason: "databaseReplaced" } },
      );
    }
  }
}

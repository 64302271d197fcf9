import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "@photostructure/sqlite";

/** Opens a database to look at it from outside: no lock is taken, and nothing is left behind. */
export function openReadOnly(file: string): InstanceType<typeof DatabaseSync> {
  // Without a log, nobody has the file open. It is opened as immutable; otherwise this would leave
  // a log behind.
  const isAtRest = !existsSync(`${file}-wal`);
  return new DatabaseSync(isAtRest ? new URL(`${pathToFileURL(file).href}?immutable=1`) : file, {
    readOnly: true,
    timeout: 1000,
  });
}

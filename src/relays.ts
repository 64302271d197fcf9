// Builds the relays of a server, where its user has configured any (docs/fleet.md).
import { join } from "node:path";
import type { Clock } from "./base/clock.js";
import type { Closing } from "./base/closing.js";
import { settingsVariable } from "./base/configFiles.js";
import { messageOf } from "./base/errors.js";
import type { Log } from "./base/log.js";
import { readConfigFile } from "./config/files.js";
import { loadConfig, userFileOf } from "./config/load.js";
import type { RelaySettings } from "./config/relaySettings.js";
import type { Environment } from "./config/variables.js";
import type { Outbox } from "./events/outbox.js";
import type { RelayKeeper } from "./relay/relayKeeper.js";
import type { Database } from "./storage/database.js";
import { databaseName } from "./storage/dataDirectory.js";
import { RelayStore } from "./storage/relayStore.js";

/** What the relays of a server work with. */
export interface RelayParts {
  readonly dataDirectory: string;
  readonly database: Database;
  readonly outbox: Outbox;
  readonly closing: Closing;
  readonly clock: Clock;
  readonly log: Log;
  /** Completions are where they were to be carried. */
  onConfirmed(completionIds: readonly string[]): void;
}

/** Starts relays; they end with the server. Undefined if there is none. */
export async function startRelays(
  relays: Readonly<Record<string, RelaySettings>>,
  { dataDirectory, database, outbox, closing, clock, log, onConfirmed }: RelayParts,
): Promise<Pick<RelayKeeper, "isBehind"> | undefined> {
  if (Object.keys(relays).length === 0) return undefined;
  const store = new RelayStore(database);
  if (!store.isKept) {
    log.warn({}, "no relay works here: a server of an older version uses the data directory too");
    return undefined;
  }
  const [{ RelayKeeper }, { databasePlace, directoryIdentity }] = await Promise.all([
    import("./relay/relayKeeper.js"),
    import("./storage/directoryIdentity.js"),
  ]);
  const identity = directoryIdentity(database, databasePlace(join(dataDirectory, databaseName)));
  const parts = { dataDirectory, outbox, store, clock, log, identity, onConfirmed };
  const keeper = new RelayKeeper(relays, parts);
  closing.add(() => keeper.close());
  return keeper;
}

/** The relays of the user's configuration. It is only read as a whole where its text has any. */
export async function configuredRelays(
  env: Environment,
  log: Log,
): Promise<Readonly<Record<string, RelaySettings>>> {
  const scope = { workspacePath: undefined, trusted: false, env };
  try {
    const path = userFileOf(scope)?.path;
    const text = path === undefined ? "" : ((await readConfigFile(path))?.text ?? "");
    if (!`${text}${env[settingsVariable] ?? ""}`.includes('"relays"')) return {};
    const { relays, warnings } = await loadConfig(scope);
    for (const warning of warnings.filter((one) => one.startsWith("relays.")))
      log.warn({}, warning);
    return relays;
  } catch (error) {
    log.warn({ reason: messageOf(error) }, "no relay works here: the configuration is wrong");
    return {};
  }
}

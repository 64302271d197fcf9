// All requirements, in the order of protocol.md's sections.
import { cancel } from "./checks/cancel.js";
import { clientTools } from "./checks/clientTools.js";
import { connection } from "./checks/connection.js";
import { daemon } from "./checks/daemon.js";
import { delivery } from "./checks/delivery.js";
import { acrossServers } from "./checks/durable.js";
import { eventsAndMore } from "./checks/events.js";
import { goingOn } from "./checks/goingOn.js";
import { joining } from "./checks/joining.js";
import { models } from "./checks/models.js";
import { modes } from "./checks/modes.js";
import { options } from "./checks/options.js";
import { queue } from "./checks/queue.js";
import { queueOnDisk } from "./checks/queueOnDisk.js";
import { runs } from "./checks/runs.js";
import { search } from "./checks/search.js";
import { trace } from "./checks/trace.js";
import { transport } from "./checks/transport.js";
import { waitingQuestions } from "./checks/waiting.js";
import type { Requirement } from "./requirement.js";

/** What `turnwire conformance` checks; `id`s are final, and none is used twice. */
export const requirements: readonly Requirement[] = [
  ...transport,
  ...connection,
  ...trace,
  ...runs,
  ...queue,
  ...joining,
  ...cancel,
  ...options,
  ...delivery,
  ...acrossServers,
  ...queueOnDisk,
  ...goingOn,
  ...eventsAndMore,
  ...models,
  ...clientTools,
  ...search,
  ...modes,
  ...daemon,
  ...waitingQuestions,
];

// All faults, by the sections of protocol.md.
import { clientTools } from "./clientTools.js";
import { connection } from "./connection.js";
import { delivery } from "./delivery.js";
import { events } from "./events.js";
import type { Fault } from "./fault.js";
import { goingOn } from "./goingOn.js";
import { permissions } from "./permissions.js";
import { queue } from "./queue.js";
import { runs } from "./runs.js";
import { search } from "./search.js";
import { transport } from "./transport.js";

/** Ways to break a promise that shows in what a server says. */
export const faults: readonly Fault[] = [
  ...transport,
  ...connection,
  ...search,
  ...runs,
  ...queue,
  ...goingOn,
  ...delivery,
  ...events,
  ...permissions,
  ...clientTools,
];

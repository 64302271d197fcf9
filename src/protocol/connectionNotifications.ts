// The notifications that are no events. They stand apart from the registry: a server needs nothing of
// them at its start.
import { exit } from "./notifications/exit.js";
import { logTrace } from "./notifications/logTrace.js";
import { setTrace } from "./notifications/setTrace.js";

/** The notifications that a client sends, beside the methods that may be sent as one. */
export const clientNotifications = { exit, "$/setTrace": setTrace } as const;

/** The notifications about the messages of a connection, which are sent only to who asks for them. */
export const traceNotifications = { "$/logTrace": logTrace } as const;

import * as z from "zod";

/** How much a client is told of the messages of its connection, as LSP's `TraceValue`. */
export const traceValue = () => z.enum(["off", "messages", "verbose"]);

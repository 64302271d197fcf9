import * as z from "zod";

/** The members with which a client says where something belongs in its trace. */
export const traceContext = () => ({
  traceparent: z.string().optional().describe("The client's span (section 2, Traces)."),
  tracestate: z.string().optional(),
});

import * as z from "zod";
import { declareMethod } from "../declare.js";

/** `daemonStatus`, protocol.md section 2, The daemon. */
export const daemonStatus = declareMethod({
  name: "daemonStatus",
  section: 2,
  summary: "What a daemon is and does. Only a daemon has this method.",
  params: () => z.object({}),
  result: () =>
    z.object({
      pid: z.int().describe("The number of the process that serves."),
      version: z.string(),
      dataDirectory: z.string(),
      startedAt: z.iso.datetime().describe("RFC 3339, UTC."),
      connections: z.int().nonnegative().describe("How many clients are connected, the asker too."),
      workspaces: z.int().nonnegative().describe("How many workspaces are open."),
      isBusy: z.boolean().describe("Whether a run is open."),
      environment: z
        .object({ salt: z.string(), digests: z.record(z.string(), z.string()) })
        .describe(
          "For each variable of the daemon that its configuration can depend on, a digest of its value: `HMAC-SHA-256(salt, value)`, the first 16 hexadecimal digits.",
        ),
    }),
  example: {
    params: {},
    result: {
      pid: 4711,
      version: "0.1.0",
      dataDirectory: "/home/ada/.local/state/turnwire",
      startedAt: "2026-01-05T09:30:00.000Z",
      connections: 1,
      workspaces: 0,
      isBusy: false,
      environment: { salt: "9f2c", digests: { TURNWIRE_CONFIG_SET: "5f1d7a84db00d2fc" } },
    },
  },
});

import * as z from "zod";
import { lazySchema } from "../declare.js";
import { AgentInfo } from "./model.js";

/** How tools that could do harm are treated (protocol.md section 7). */
export const PermissionMode = lazySchema(() =>
  z.enum(["ask", "acceptEdits", "allow", "deny", "plan"]).meta({
    id: "PermissionMode",
    description:
      "`ask` sends `requestPermission`. `acceptEdits` does too, but not for `write` and `edit` inside the workspace. `allow` asks nothing. `deny` refuses. `plan` allows only reading, until the plan is accepted.",
  }),
);
export type PermissionMode = z.output<ReturnType<typeof PermissionMode>>;

/** A folder that is open in this server. */
export const Workspace = lazySchema(() =>
  z
    .object({
      id: z.string().describe("In one data directory, the same real path always has the same id."),
      path: z.string().describe("Absolute, symbolic links resolved."),
      trusted: z.boolean().describe("Whether its own files may set fields that can run code."),
      permissionMode: PermissionMode(),
      isClosing: z.boolean().describe("Whether `deleteWorkspace` is under way."),
      agent: AgentInfo(),
      createdAt: z.iso.datetime().describe("RFC 3339, UTC."),
    })
    .meta({ id: "Workspace", description: "A folder that is open in this server." }),
);
export type Workspace = z.output<ReturnType<typeof Workspace>>;

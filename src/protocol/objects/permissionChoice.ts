import * as z from "zod";
import { lazySchema } from "../declare.js";

/** A decision about a question (protocol.md section 7). */
export const PermissionChoice = lazySchema(() =>
  z.enum(["allow", "allowForSession", "allowAlways", "deny"]).meta({
    id: "PermissionChoice",
    description:
      "`allow` allows this once. `allowForSession` allows the same for the rest of the session. `allowAlways` allows the same whole command line, every later change of the same file by the same tool, or the same address, in every session of this workspace, until the user takes it back. `deny` refuses.",
  }),
);
export type PermissionChoice = z.output<ReturnType<typeof PermissionChoice>>;

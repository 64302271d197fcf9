// What a workspace's file, trusted or not, may not say, or only make stricter (protocol.md section 7).
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/resolve.js";
import type { ConfigFile } from "../../src/config/schema.js";

const server = { command: "srv" };
const resolve = (user: ConfigFile, workspace: ConfigFile, trusted: boolean) =>
  resolveConfig({ user, workspace, trusted, env: {} });

describe.each([true, false])("in a workspace that is trusted: %s", (trusted) => {
  test("`maxMode` can be lowered and not raised", () => {
    const most = (user?: "ask" | "plan", own?: "allow" | "deny") =>
      resolve(
        { permissions: user === undefined ? {} : { maxMode: user } },
        { permissions: own === undefined ? {} : { maxMode: own } },
        trusted,
      ).maxMode;
    expect(most("ask")).toBe("ask");
    expect(most("ask", "allow")).toBe("ask");
    expect(most("ask", "deny")).toBe("deny");
    expect(most(undefined, "deny")).toBe("deny");
    expect(most()).toBeUndefined();
  });
});

describe("that a server's tools only read", () => {
  const user: ConfigFile = { mcpServers: { a: { ...server, readOnly: ["get"] } } };

  test("is taken from the user's file", () => {
    expect(resolve(user, {}, true).mcpServers.a).toMatchObject({ readOnly: ["get"] });
  });

  test("is not taken from a workspace's, and does not pass to a server that replaces the user's", () => {
    const workspace = { mcpServers: { a: server, b: { ...server, readOnly: true } } };
    const { mcpServers, warnings } = resolve(user, workspace, true);
    expect(mcpServers.a).not.toHaveProperty("readOnly");
    expect(mcpServers.b).not.toHaveProperty("readOnly");
    expect(warnings).toContain(
      "turnwire.json: mcpServers.b.readOnly is ignored: only the user's own file sets it",
    );
  });
});

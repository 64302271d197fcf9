import { expect, test } from "vitest";
import { listPages } from "../../src/mcp/listing.js";
import { ListedTool } from "../../src/mcp/messages.js";
import type { ProtocolClient } from "../../src/mcp/protocolClient.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

/** A client whose server answers with these pages. */
function serverWith(...pages: object[]): Pick<ProtocolClient, "request"> {
  return { request: async () => pages.shift() ?? { tools: [] } };
}

async function listed(...pages: object[]) {
  const leftOut: string[] = [];
  const client = serverWith(...pages) as ProtocolClient;
  const found = await listPages(client, "tools", ListedTool, (_, why) => void leftOut.push(why));
  return { found, leftOut };
}

test("of endless wrong entries a thousand are looked at, and the rest is told", async () => {
  const wrong = Array.from({ length: 1_000_000 }, () => ({}));
  const list = () => listed({ tools: wrong, nextCursor: "more" }, { tools: wrong });
  expect(await cpuTimeOf(list)).toBeLessThan(onThisMachine(1_000));
  const { found, leftOut } = await list();
  expect(found).toEqual([]);
  expect(leftOut).toHaveLength(1_001);
  expect(leftOut.at(-1)).toBe("only the first 200 tools are used");
});

test("what fits is used, over all pages, with nothing told", async () => {
  const tool = (name: string) => ({ name, inputSchema: { type: "object" } });
  const { found, leftOut } = await listed(
    { tools: [tool("a")], nextCursor: "2" },
    { tools: [tool("b")] },
  );
  expect(found.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(leftOut).toEqual([]);
});

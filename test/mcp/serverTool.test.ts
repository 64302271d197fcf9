import { expect, test } from "vitest";
import { defined } from "../../src/base/defined.js";
import { serverTools } from "../../src/mcp/serverTool.js";
import { isOfferedIn } from "../../src/tools/exitPlan.js";

const inputSchema = { type: "object" as const };
const listed = [
  { name: "get", inputSchema },
  { name: "hinted", inputSchema, annotations: { readOnlyHint: true } },
];

test.each([
  [undefined, []],
  [false, []],
  [true, ["get", "hinted"]],
  [["get"], ["get"]],
  [["GET", "g*"], []],
] as const)("with `readOnly: %j` of the user, `plan` offers %j", (readOnly, expected) => {
  const owner = { id: "srv", ...defined({ readOnly }) };
  const tools = serverTools(
    owner,
    listed,
    async () => ({ content: [] }),
    () => {},
  );
  const offered = tools.filter((tool) => isOfferedIn("plan", tool));
  expect(offered.map(({ description }) => description)).toEqual(expected);
  expect(tools.every((tool) => isOfferedIn("ask", tool))).toBe(true);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { toolName } from "../../src/mcp/toolName.js";

test("the name is mcp__server__tool where providers take that", () => {
  expect(toolName("docs", "search_all")).toBe("mcp__docs__search_all");
  expect(toolName("my-docs_2", "__get")).toBe("mcp__my-docs_2____get");
});

test("what providers refuse is replaced, and a hash keeps it apart", () => {
  expect(toolName("docs.v2", "fs/read")).toMatch(/^mcp__docs_v2__fs_read_[0-9a-f]{8}$/);
  expect(toolName("docs", "fs/read")).not.toBe(toolName("docs", "fs.read"));
  expect(toolName("docs", "x".repeat(100))).toMatch(/^mcp__docs__x+_[0-9a-f]{8}$/);
});

test("two pairs that would read the same do not", () => {
  expect(toolName("a", "b__c")).not.toBe(toolName("a__b", "c"));
  expect(toolName("a", "_b")).not.toBe(toolName("a_", "b"));
});

test("every name is one that every provider takes, and no two pairs share one", () => {
  const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/);
  const tool = fc.oneof(fc.string({ minLength: 1 }), id);
  fc.assert(
    fc.property(id, tool, id, tool, (server1, tool1, server2, tool2) => {
      const [name1, name2] = [toolName(server1, tool1), toolName(server2, tool2)];
      expect(name1).toMatch(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/);
      expect(name1 === name2).toBe(server1 === server2 && tool1 === tool2);
    }),
  );
});

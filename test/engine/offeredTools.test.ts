import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fittingTools } from "../../src/engine/offeredTools.js";
import type { Tool } from "../../src/tools/tool.js";
import { textTool } from "../helpers/agentTurn.js";

const tools = (count: number, prefix: string): Tool[] =>
  Array.from({ length: count }, (_, index) =>
    textTool(`${prefix}${index}`, () => ({ output: "" })),
  );

function choose(sizes: { own: number; servers: number; turn: number; client: number }) {
  const warnings: string[] = [];
  const own = [...tools(sizes.own, "own"), ...tools(sizes.servers, "mcp__s__")];
  const ofTurn = [...tools(sizes.turn, "turn"), ...tools(1, "hidden")];
  const ofClient = tools(sizes.client, "client");
  const isOffered = ({ name }: Tool) => !name.startsWith("hidden");
  const fitting = fittingTools({ own, ofTurn, ofClient, isOffered }, (one) => warnings.push(one));
  return { all: [...own, ...ofTurn, ...ofClient], fitting, warnings, isOffered };
}

describe("the tools of a turn", () => {
  it("are never more than a provider takes, and none of the turn's own is missing", () => {
    const size = (max: number) => fc.integer({ min: 0, max });
    const sizes = fc.record({
      own: size(20),
      servers: size(200),
      turn: size(4),
      client: size(128),
    });
    fc.assert(
      fc.property(sizes, (given) => {
        const { all, fitting, warnings, isOffered } = choose(given);
        const offered = fitting.filter(isOffered);
        expect(offered.length).toBe(Math.min(all.filter(isOffered).length, 128));
        const isMine = ({ name }: Tool) => /^(own|turn|hidden)/.test(name);
        expect(fitting.filter(isMine)).toEqual(all.filter(isMine));
        // In their order, and those of a client before those of tool servers.
        expect(fitting).toEqual(all.filter((tool) => fitting.includes(tool)));
        const has = (prefix: string) => fitting.some(({ name }) => name.startsWith(prefix));
        const lacks = all.length > fitting.length;
        if (lacks && has("mcp__")) expect(warnings).toHaveLength(1);
        expect(warnings.length > 0).toBe(lacks);
      }),
    );
  });

  it("that are left out are told, by whose they are", () => {
    expect(choose({ own: 20, servers: 60, turn: 2, client: 100 }).warnings).toEqual([
      "Left out, since a provider takes no more: 54 tools of tool servers.",
    ]);
    expect(choose({ own: 20, servers: 1, turn: 2, client: 110 }).warnings).toEqual([
      "Left out, since a provider takes no more: 4 tools of the client.",
      "Left out, since a provider takes no more: 1 tool of tool servers.",
    ]);
  });
});

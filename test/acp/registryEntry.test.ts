// The entry for the registry of ACP agents (packaging/acp).
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("starts this version's agent", () => {
  const entry = JSON.parse(read("packaging/acp/agent.json"));
  const { version, license } = JSON.parse(read("package.json"));
  expect(entry).toMatchObject({ id: "turnwire", version, license });
  expect(entry.distribution).toEqual({
    npx: { package: `turnwire@${version}`, args: ["acp"] },
  });
});

it("has an icon of 16 by 16 in the text's own colour", () => {
  const icon = read("packaging/acp/icon.svg");
  expect(icon).toContain('width="16" height="16"');
  const colours = [...icon.matchAll(/(?:stroke|fill)="([^"]+)"/g)].map(([, colour]) => colour);
  expect(new Set(colours)).toEqual(new Set(["none", "currentColor"]));
});

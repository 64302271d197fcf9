import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { errorTable } from "../../src/base/errors.js";
import { isRunErrorName, runErrorTable } from "../../src/base/runErrors.js";
import { RunComplete, RunErrorName } from "../../src/protocol/objects/run.js";

const source = fileURLToPath(new URL("../../src", import.meta.url));

describe("the names of what ends a run", () => {
  it("are known by one list, which no inherited member is in", () => {
    expect(isRunErrorName("StepLimit")).toBe(true);
    expect(isRunErrorName("ConfigInvalid")).toBe(true);
    expect(isRunErrorName("SessionBusy")).toBe(false);
    expect(isRunErrorName("toString")).toBe(false);
  });

  it("mean what the error of the same name means, where there is one", () => {
    for (const [name, meaning] of Object.entries(runErrorTable)) {
      const error = (errorTable as Record<string, { summary: string }>)[name];
      if (error !== undefined) expect(meaning).toBe(error.summary);
    }
  });

  it("are told in the schema, and a reader takes one that is new", () => {
    const name = RunErrorName();
    for (const known of Object.keys(runErrorTable)) expect(name.parse(known)).toBe(known);
    expect(name.parse("FromALaterVersion")).toBe("FromALaterVersion");
    const shape = RunComplete().shape.errorName;
    expect(shape.parse(undefined)).toBeUndefined();
    expect(() => shape.parse(7)).toThrow();
  });

  it("are every `errorName` that the source writes", () => {
    const written = readdirSync(source, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .flatMap((path) => [
        ...readFileSync(`${source}/${path}`, "utf8").matchAll(/\berrorName: "(\w+)"/g),
      ])
      .map((match) => match[1] ?? "");
    expect(written.length).toBeGreaterThan(4);
    expect(written.filter((name) => !isRunErrorName(name))).toEqual([]);
  });
});

// The requirements of the conformance kit beside protocol.md: whoever changes a sentence changes both.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { requirements } from "../../src/conformance/requirements.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the requirements", () => {
  const words = (text: string) => text.replace(/\s+/g, " ");
  const page = words(
    readFileSync(join(root, "protocol.md"), "utf8").split("## Conformance")[0] ?? "",
  );

  it("have ids that nobody else has", () => {
    const ids = requirements.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.filter((id) => !/^TW-[A-Z]+-\d{3}$/.test(id))).toEqual([]);
  });

  it("are sentences of protocol.md", () => {
    const missing = requirements.filter(({ sentence }) => !page.includes(words(sentence)));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  it("stand in the section that they name", () => {
    const elsewhere = requirements.filter(({ section, sentence }) => {
      const from = page.indexOf(`## ${section}. `);
      const to = page.indexOf(`## ${section + 1}. `);
      return !page.slice(from, to === -1 ? undefined : to).includes(words(sentence));
    });
    expect(elsewhere.map(({ id }) => id)).toEqual([]);
  });
});

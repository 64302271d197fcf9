// The one text that a prompt becomes: editors cut it in different ways.
import type { ContentBlock } from "@agentclientprotocol/sdk";
import { describe, expect, it } from "vitest";
import { promptOf } from "../../src/acp/promptContent.js";

const text = (written: string): ContentBlock => ({ type: "text", text: written });
const link: ContentBlock = { type: "resource_link", name: "a.ts", uri: "file:///w/a.ts" };
const file: ContentBlock = {
  type: "resource",
  resource: { uri: "file:///w/a.ts", text: "let a;", mimeType: "text/plain" },
};
const image: ContentBlock = { type: "image", data: "AA==", mimeType: "image/png" };
const named = "[a.ts](file:///w/a.ts)";
const whole = '<resource uri="file:///w/a.ts">\nlet a;\n</resource>';

describe("the text of a prompt", () => {
  it.each<[string, ContentBlock[], string]>([
    ["one block", [text("hi\n there ")], "hi\n there "],
    [
      "a text that was cut at each @, as agent-shell does",
      [text("@say"), text(" Über"), text("\n@say"), text(" all")],
      "@say Über\n@say all",
    ],
    ["a mention in a sentence", [text("Read "), link, text(" at once")], `Read ${named} at once`],
    [
      "a mention with marks around it",
      [text("Read this ("), link, text("), and that: "), link, text(".")],
      `Read this (${named}), and that: ${named}.`,
    ],
    ["an image in a sentence", [text("See "), image, text("there")], "See there"],
    ["texts that were not cut", [text("One."), text("Two"), text("三")], "One.\nTwo\n三"],
    ["files behind a text", [text("Fix this"), link, link], `Fix this\n${named}\n${named}`],
    ["a file before a text", [file, text("Fix this")], `${whole}\nFix this`],
    ["files behind each other", [file, file], `${whole}\n${whole}`],
    ["a file in a sentence", [text("Fix "), file, text(", please")], `Fix ${whole}, please`],
    ["empty blocks", [text(""), text("hi"), text(""), text("there"), text("")], "hi\nthere"],
    ["pictures without a word", [image, text(" "), image], "[image] [image]"],
    ["nothing", [text("")], ""],
  ])("of %s", (_, blocks, prompt) => {
    expect(promptOf(blocks).prompt).toBe(prompt);
  });
});

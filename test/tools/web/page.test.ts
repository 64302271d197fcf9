import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Clock, systemClock } from "../../../src/base/clock.js";
import { WorkProcesses } from "../../../src/process/workProcesses.js";
import { type PageFormat, pageText } from "../../../src/tools/web/page.js";
import { ManualClock } from "../../helpers/manualClock.js";

function convert(html: string, format: PageFormat = "markdown", clock: Clock = systemClock) {
  const bytes = Buffer.from(html);
  const work = new WorkProcesses(clock);
  const conversion = { contentType: "text/html", format, work };
  return pageText({ bytes, isCut: false }, { ...conversion, signal: new AbortController().signal });
}

test.each<[string, PageFormat, string]>([
  ["<h2>A</h2><ul><li>b</ul>", "markdown", "## A\n\n-   b"],
  ["<p>A <a href='/b'>b</a> <img src=c alt=d>", "markdown", "A [b](/b) ![d](c)"],
  ["<p>A <a href='/b'>b</a> <img src=c alt=d>", "text", "A b"],
  ["<style>x</style><noscript>y</noscript><pre><code>z</code></pre>", "text", "```\nz\n```"],
  [`${"<div>".repeat(300)}deep`, "markdown", "deep"],
  ["", "markdown", ""],
])("%s becomes what it says, as %s", async (html, format, expected) => {
  expect(await convert(html, format)).toBe(expected);
});

test("of a page that becomes very long, more than a result takes is left out", async () => {
  const text = await convert("*_".repeat(400_000));
  expect(text).toMatch(/^(?:\\\*\\_)+/);
  expect(text.length).toBe(200_000);
});

test.each([
  ["nested in each other", "<div>".repeat(200_000)],
  ["never closed", "<b><p>".repeat(160_000)],
  ["one tag with all its attributes", `<p ${Array.from({ length: 90_000 }, (_, n) => `a${n}=1`)}>`],
])("a page of elements %s is given up, and everything else goes on", async (_, html) => {
  const clock = new ManualClock();
  const converted = convert(html, "markdown", clock);
  await setImmediate();
  clock.advance(10_000);
  await expect(converted).rejects.toThrow("takes too much to convert; fetch it with `format` html");
});

// `npm run pictures`: makes the pictures of docs/inspecting.md from a scripted exchange, with Debian's
// Chromium. They are in docs/pictures, which is no part of the package.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { exchange } from "../test/inspector/exchange.js";

const pictures = "docs/pictures";
const size = { width: 1000, height: 520 };

/** What is done before each picture. */
const scenes: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async traffic(page) {
    await page
      .getByRole("listbox")
      .getByRole("option", { name: /getSession/ })
      .first()
      .click();
  },
  async runs(page) {
    await page.getByRole("tab", { name: "Runs" }).click();
    await page.getByRole("button", { name: /Run r-1/ }).click();
  },
  async ledger(page) {
    await page.getByRole("tab", { name: /Ledger/ }).click();
  },
};

const folder = mkdtempSync(join(tmpdir(), "turnwire-pictures-"));
const recording = join(folder, "exchange.jsonl");
writeFileSync(recording, `${exchange().join("\n")}\n`);
mkdirSync(pictures, { recursive: true });
const inspector = spawn(process.execPath, ["bin/turnwire.js", "inspect", recording], {
  stdio: ["ignore", "ignore", "pipe"],
});
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const [told] = await once(inspector.stderr.setEncoding("utf8"), "data");
  const link = /open (http:\S+)/.exec(String(told))?.[1];
  if (link === undefined) throw new Error(String(told));
  const page = await (await browser.newContext({ viewport: size, timezoneId: "UTC" })).newPage();
  await page.goto(link);
  await page.locator(".list-row").first().waitFor();
  // The folder's name is another one each time.
  await page.evaluate('document.querySelector(".subject").textContent = "exchange.jsonl"');
  for (const [name, prepare] of Object.entries(scenes)) {
    await prepare(page);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(pictures, `inspector-${name}.png`) });
  }
} finally {
  await browser.close();
  inspector.kill();
  rmSync(folder, { recursive: true, force: true });
}

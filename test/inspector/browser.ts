// A real browser, and an inspector for it to open.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { inject } from "vitest";

/** Debian's Chromium; undefined where it is not installed. */
export const chromiumPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) =>
  existsSync(path),
);

/** Pictures of every run of the tests, for whoever wants to see what they saw. */
const pictures = fileURLToPath(new URL("../results/inspector", import.meta.url));

export function launch(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("there is no Chromium");
  return chromium.launch({
    executablePath: chromiumPath,
    // Nothing but our own page is opened, and containers have no namespaces for the sandbox.
    args: ["--no-sandbox", "--disable-gpu"],
    timeout: 120_000,
  });
}

export async function keepPicture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** What a page does against accessibility, as axe-core finds it. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: tool } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await tool.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}

/** `turnwire inspect` with these arguments; resolves with the link that it prints. */
export async function startInspector(
  ...args: readonly string[]
): Promise<{ child: ChildProcess; link: string }> {
  const child = spawn(process.execPath, [inject("serverScript"), "inspect", ...args], {
    stdio: ["pipe", "ignore", "pipe"],
    env: { PATH: process.env.PATH, HOME: "/nonexistent" },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  for (;;) {
    const link = /open (http:\S+)/.exec(said)?.[1];
    if (link !== undefined) return { child, link };
    if (child.exitCode !== null) throw new Error(said);
    await Promise.race([once(child.stderr, "data"), once(child, "exit")]);
  }
}

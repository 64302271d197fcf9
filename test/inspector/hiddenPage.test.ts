// The page while contents are hidden, and files of LSP Inspector, in a real browser.
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { unless } from "../helpers/unless.js";
import { chromiumPath, launch, startInspector } from "./browser.js";

const why = "the inspector's page needs Debian's Chromium, which is not installed";

/** What nobody may see. Each place of a message has its own. */
const secret = (where: string) => `top secret in ${where}`;
const session = { workspaceId: "ws_1", sessionId: secret("a session") };

function messages(): { from: "client" | "server"; message: object; invalid?: string }[] {
  const run = { ...session, runId: secret("a run") };
  const part = { type: "toolCall", toolCallId: secret("a call"), name: secret("a tool") };
  const assistant = { id: "m1", role: "assistant", model: secret("a model") };
  return [
    { from: "client", message: { id: secret("an id"), method: secret("a method"), params: {} } },
    {
      from: "server",
      message: { id: secret("an id"), error: { code: 1, message: secret("an error") } },
    },
    {
      from: "client",
      message: { id: 1, method: "sendMessage", params: { ...run, prompt: secret("a prompt") } },
    },
    { from: "server", message: { id: 1, result: { state: "accepted" } } },
    {
      from: "server",
      message: {
        method: "sessionUpdated",
        params: { ...session, session: { title: secret("a title") } },
      },
    },
    {
      from: "server",
      message: {
        method: "messageCreated",
        params: { ...run, message: { ...assistant, parts: [] } },
      },
    },
    ...[0, 1].map((offset) => ({
      from: "server" as const,
      message: {
        method: "messageDelta",
        params: {
          ...run,
          messageId: "m1",
          partIndex: 0,
          kind: "text",
          offset,
          delta: secret("a delta"),
        },
      },
    })),
    {
      from: "server",
      message: {
        method: "messageUpdated",
        params: {
          ...run,
          message: {
            ...assistant,
            parts: [{ ...part, state: "completed", input: { [secret("a key")]: secret("input") } }],
          },
        },
      },
    },
    {
      from: "server",
      message: {
        id: 9,
        method: "requestPermission",
        params: { ...run, description: secret("a question") },
      },
    },
    {
      from: "server",
      message: {
        method: "runComplete",
        params: {
          ...run,
          completionId: "cmp_1",
          sequence: 1,
          attempt: 1,
          status: secret("a status"),
          cause: secret("a cause"),
          errorName: secret("an error name"),
          error: secret("an outcome"),
          text: secret("a text"),
        },
      },
    },
    {
      from: "server",
      message: { method: "note", params: { files: { "/home/me/top secret in a path": 1 } } },
    },
  ];
}

function recording(): string {
  const at = Date.parse("2026-11-01T09:30:00Z");
  const lines: object[] = [
    { recording: "turnwire", version: 1, at, hidden: false },
    ...messages().map(({ message, ...rest }, index) => ({
      kind: "message",
      at: at + index,
      bytes: 100,
      message: { jsonrpc: "2.0", ...message },
      ...rest,
    })),
    {
      kind: "broken",
      at,
      from: "client",
      bytes: 10,
      invalid: "JSON: it cannot be parsed",
      text: secret("bytes"),
    },
    { kind: "stderr", at, text: secret("stderr") },
  ];
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** A recording by somebody who means harm. */
function hostileRecording(): string {
  const html = `<img src="http://127.0.0.1:9/x" onerror="globalThis.hacked=1"><b>x</b>`;
  const at = Date.parse("2026-11-01T09:30:00Z");
  const ids = { sessionId: html, runId: html, completionId: html, messageId: html };
  const texts = { description: html, status: html, cause: html, errorName: html, delta: html };
  const strange = { usage: { promptTokens: "x", cost: {} }, sequence: "1", attempt: [], parts: 5 };
  const params = {
    ...ids,
    ...texts,
    ...strange,
    message: { id: html, role: "assistant", parts: 5 },
  };
  const methods = [
    "sendMessage",
    "messageCreated",
    "messageDelta",
    "messageUpdated",
    "runActivity",
  ];
  const sent = [
    ...[...methods, "requestPermission", "sessionUpdated", "runComplete", html].map((method) => ({
      id: html,
      method,
      params,
    })),
    ...[null, 5, "text", [], [[]], { id: {}, method: 7 }, { method: "x", params: [params] }],
    JSON.parse(`{"method":"proto","params":{"__proto__":{"a":1},"constructor":"x","toString":1}}`),
    JSON.parse(`{"method":"deep","params":${"[".repeat(500)}${"]".repeat(500)}}`),
    { method: "huge", params: { text: "x".repeat(15_000_000) } },
  ];
  const lines: object[] = [
    { recording: "turnwire", version: 1, at, hidden: false },
    { kind: "start", at, command: [html], pid: -1 },
    ...(["client", "server"] as const).flatMap((from) =>
      sent.map((message: unknown) => ({
        kind: "message",
        at,
        from,
        bytes: 1e300,
        message,
        invalid: html,
      })),
    ),
    { kind: "state", pipe: "", health: 5, processes: "x", ledger: {} },
    { kind: "stderr", at: -1e300, text: html },
    { kind: "stderr", at, text: "\u001b[31mred\u001b[0m and\u001b]0;a window\u0007 a title" },
    { kind: "end", at, signal: html },
  ];
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** Every text that a page shows or says: its words, names for those who hear it, tooltips, and its title. */
const shownTexts = `[
  document.title,
  document.body.innerText,
  ...[...document.querySelectorAll("[title], [aria-label]")].flatMap((one) => [
    one.getAttribute("title") ?? "",
    one.getAttribute("aria-label") ?? "",
  ]),
  ...[...document.querySelectorAll("option")].map((one) => one.textContent),
  ...[...document.querySelectorAll("input")].map((one) => one.value),
  location.href,
].join("\\n")`;

unless(
  describe,
  chromiumPath === undefined,
  why,
)("the page", () => {
  let folder: string;
  let browser: Browser;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    if (inject("buildError") !== "") throw new Error(inject("buildError"));
    folder = mkdtempSync(join(tmpdir(), "turnwire-hidden-"));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    for (const child of children) child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(name: string, text: string): Promise<Page> {
    const file = join(folder, name);
    writeFileSync(file, text);
    const { child, link } = await startInspector(file);
    children.push(child);
    const context = await browser.newContext({
      permissions: ["clipboard-read", "clipboard-write"],
    });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    await page.goto(link);
    await page.getByRole("listbox").getByRole("option").first().waitFor();
    return page;
  }

  async function saved(page: Page, button: string): Promise<string> {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: button }).click(),
    ]);
    return readFileSync(await download.path(), "utf8");
  }

  it.concurrent("shows, says, copies, finds and saves nothing that is hidden", async ({
    expect,
  }) => {
    const page = await open("secrets.jsonl", recording());
    const tab = (name: string) => page.getByRole("tab", { name }).click();
    expect(await page.evaluate<string>(shownTexts)).toContain(secret("a method"));
    await page.getByLabel("Hide contents").check();
    const rows = page.getByRole("listbox").getByRole("option");
    const seen: Record<string, string> = {};
    const count = await rows.count();
    expect(count).toBeGreaterThan(10);
    for (let index = 0; index < count; index++) {
      await rows.nth(index).click();
      seen[`row ${index}`] = await page.evaluate<string>(shownTexts);
      const copy = page.getByRole("button", { name: "Copy as a line" });
      if ((await copy.count()) === 0) continue;
      await copy.click();
      seen[`copy of ${index}`] = await page.evaluate<string>("navigator.clipboard.readText()");
    }
    for (const name of ["Runs", "Ledger", "Questions", "Processes", "Health", "stderr"]) {
      await tab(name);
      if (name === "Runs") await page.getByRole("button", { name: /^Run / }).click();
      if (name === "stderr") await page.getByRole("listbox").getByRole("option").click();
      seen[name] = await page.evaluate<string>(shownTexts);
    }
    seen.recording = await saved(page, "Save recording");
    seen["LSP Inspector's"] = await saved(page, "Save for LSP Inspector");
    const told = Object.entries(seen).flatMap(([place, text]) =>
      [...text.matchAll(/top secret in [a-z ]+/g)].map(([words]) => `${place}: ${words}`),
    );
    expect([...new Set(told)]).toEqual([]);
    // Nor does a search tell what is there.
    await tab("Traffic");
    for (const field of ["Method", "Text"]) {
      await page.getByLabel(field, { exact: true }).fill("top secret");
      await page.getByText("0 rows", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Clear" }).click();
    }
  });

  it.concurrent("stays itself whatever a recording says", async ({ expect }) => {
    const page = await open("hostile.jsonl", hostileRecording());
    const errors: string[] = [];
    const asked: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    page.on("dialog", (dialog) => void dialog.dismiss().then(() => errors.push("a dialog")));
    page.on("request", (request) => asked.push(request.url()));
    const rows = page.getByRole("listbox").getByRole("option");
    const count = await rows.count();
    for (let index = 0; index < count; index++) await rows.nth(index).click();
    for (const name of ["Runs", "Ledger", "Questions", "Processes", "Health", "stderr"]) {
      await page.getByRole("tab", { name }).click();
      if (name === "Runs") await page.getByRole("button", { name: /^Run / }).first().click();
    }
    const line = page.getByRole("listbox").getByRole("option", { name: "red and a title" });
    expect(await line.textContent()).toMatch(/\dred and a title$/);
    expect(await page.evaluate("document.querySelectorAll('img, iframe, b').length")).toBe(0);
    expect(await page.evaluate("'hacked' in globalThis")).toBe(false);
    expect([errors, asked]).toEqual([[], []]);
    // Many megabytes in one line are shown in part.
    await page.getByRole("tab", { name: "Traffic" }).click();
    await rows.filter({ hasText: "huge" }).first().click();
    await page.getByRole("button", { name: "Show all 15000000 characters" }).waitFor();
  });

  it.concurrent("opens what LSP Inspector reads, and saves it as that reads it", async ({
    expect,
  }) => {
    const timestamp = 1_767_225_600_000;
    const sent = [
      ["send-request", { id: 1, method: "textDocument/hover", params: { position: { line: 3 } } }],
      ["receive-response", { id: 1, result: { contents: "A **word**." } }],
      ["receive-notification", { method: "window/logMessage", params: { message: "hello" } }],
      ["receive-request", { id: 1, method: "workspace/configuration", params: {} }],
      ["send-response", { id: 1, error: { code: -32601, message: "no" } }],
    ] as const;
    const lines = sent.map(([type, message], index) =>
      JSON.stringify({
        isLSPMessage: true,
        type,
        message: { jsonrpc: "2.0", ...message },
        timestamp: timestamp + 40 * index,
      }),
    );
    // As an output channel writes it, with the time before each line, and as it is.
    const page = await open(
      "log.txt",
      `${lines.map((line) => `[Trace - 10:00:00] ${line}`).join("\n")}\n`,
    );
    const rows = page.getByRole("listbox").getByRole("option");
    expect(await rows.count()).toBe(5);
    await rows.filter({ hasText: "request from the client" }).click();
    await page.getByRole("button", { name: "Go to the answer" }).click();
    await page.getByText("A **word**.").waitFor();
    await page.getByText("40 ms").first().waitFor();
    await rows.filter({ hasText: "workspace/configuration failed" }).waitFor();
    const written = await saved(page, "Save for LSP Inspector");
    expect(written.trimEnd().split("\n")).toEqual(lines);
    const again = await open("again.json", written);
    expect(await again.getByRole("listbox").getByRole("option").count()).toBe(5);
    // LSP Inspector's own examples are one list.
    const list = await open("list.json", `[${lines.join(",")}]`);
    expect(await list.getByRole("listbox").getByRole("option").count()).toBe(5);
  });
});

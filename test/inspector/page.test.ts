// The page in a real browser: what somebody sees, clicks and types.
import type { ChildProcess } from "node:child_process";
import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { onThisMachine } from "../helpers/longestHold.js";
import { ServerChild } from "../helpers/serverChild.js";
import { unless } from "../helpers/unless.js";
import { chromiumPath, faultsOf, keepPicture, launch, startInspector } from "./browser.js";
import { exchange, manyMessages } from "./exchange.js";

/** Scrolls the list from end to end; gives the longest time between two drawings. */
const scrollThrough = `(async () => {
  const list = document.querySelector(".list");
  let longest = 0;
  for (let step = 0; step < 60; step++) {
    list.scrollTop = (list.scrollHeight * step) / 60;
    const before = performance.now();
    await new Promise(requestAnimationFrame);
    longest = Math.max(longest, performance.now() - before);
  }
  return longest;
})()`;

/** The rows of the list whose parts are not on one line, and the chosen one where it is not seen as such. */
const rowsOutOfPlace = `(() => {
  const isWithin = (inner, outer) => inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  const rows = [...document.querySelectorAll(".list-row")];
  const chosen = rows.find((row) => row.getAttribute("aria-selected") === "true");
  const box = (element) => element.getBoundingClientRect();
  const torn = rows.filter((row) =>
    [...row.querySelectorAll(".cell")].some((cell) => !isWithin(box(cell), box(row))),
  );
  const looks = (row) => getComputedStyle(row).backgroundColor;
  const isSeen =
    chosen !== undefined &&
    isWithin(box(chosen), box(document.querySelector(".list"))) &&
    rows.every((row) => row === chosen || looks(row) !== looks(chosen));
  return [...torn, ...(isSeen ? [] : [chosen])].map((row) => row?.textContent ?? "nothing is chosen");
})()`;

const pageOfDocs = readFileSync(new URL("../../docs/inspecting.md", import.meta.url), "utf8");
const teeServer = fileURLToPath(new URL("teeServer.mjs", import.meta.url));

const why = "the inspector's page needs Debian's Chromium, which is not installed";

unless(
  describe,
  chromiumPath === undefined,
  why,
)("the page", () => {
  let folder: string;
  let browser: Browser;
  const children: ChildProcess[] = [];
  let recorded: string;

  beforeAll(async () => {
    expect(inject("buildError")).toBe("");
    folder = mkdtempSync(join(tmpdir(), "turnwire-page-"));
    writeFileSync(join(folder, "exchange.jsonl"), `${exchange().join("\n")}\n`);
    browser = await launch();
    recorded = await open("exchange.jsonl");
  });
  afterAll(async () => {
    await browser?.close();
    for (const child of children) child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(...args: string[]): Promise<string> {
    const [name = "", ...rest] = args;
    const { child, link } = await startInspector(join(folder, name), ...rest);
    children.push(child);
    return link;
  }

  async function pageAt(link: string, width = 1280, colorScheme: "light" | "dark" = "light") {
    const context = await browser.newContext({
      viewport: { width, height: 720 },
      colorScheme,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (line) => line.type() === "error" && errors.push(line.text()));
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).host));
    await page.goto(link);
    await rows(page).first().waitFor();
    return { page, errors, asked };
  }

  const rows = (page: Page, name: RegExp = /./) =>
    page.getByRole("listbox").getByRole("option", { name });
  const tab = (page: Page, name: string) => page.getByRole("tab", { name }).click();

  it.concurrent("loads from its own host alone, without an error, and hides its token", async () => {
    const { page, errors, asked } = await pageAt(recorded);
    expect(new Set(asked)).toEqual(new Set([new URL(recorded).host]));
    expect(errors).toEqual([]);
    expect(page.url()).toBe(recorded.slice(0, recorded.indexOf("#")));
    await page.reload();
    await rows(page).first().waitFor();
  });

  it.concurrent("says what to do to whoever has no token", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(recorded.slice(0, recorded.indexOf("#")));
    await page.getByText("This page opens by the link").waitFor();
  });

  it.concurrent("is worked with keys alone", async () => {
    const { page } = await pageAt(recorded);
    const list = page.getByRole("listbox", { name: "Messages" });
    await list.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    const chosen = page.locator(".list-row[aria-selected=true]");
    expect(await chosen.textContent()).toMatch(/request from the clientinitialize1180 ms/);
    // To the other half, and back.
    await page.keyboard.press("o");
    expect(await chosen.textContent()).toMatch(/response from the serverinitialize1/);
    await page.keyboard.press("o");
    expect(await chosen.textContent()).toMatch(/request from the client/);
    await page.keyboard.press("End");
    await page.getByRole("heading", { name: "runComplete" }).waitFor();
    await page.getByRole("tab", { name: "Traffic" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name: "Runs", selected: true }).waitFor();
    await page.keyboard.press("End");
    await page.getByText("warn: params are not valid").waitFor();
  });

  it.concurrent("shows a request, its answer, deltas in one row, and what is not valid", async () => {
    const { page } = await pageAt(recorded);
    await rows(page, /messageDelta × 4/).click();
    await page.getByText("There are 42 lines.", { exact: true }).first().waitFor();
    await page.getByLabel("Only invalid").check();
    await rows(page, /getSession/).click();
    await page.getByText("Not valid. protocol.md: params.sessionId").waitFor();
    await page.getByRole("button", { name: "Copy as a line" }).click();
    await page.getByText("Copied").waitFor();
    const line = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(JSON.parse(line)).toEqual({ jsonrpc: "2.0", id: 5, method: "getSession", params: {} });
    await page.getByRole("button", { name: "Go to the answer" }).click();
    await page.getByText("Invalid params").waitFor();
  });

  it.concurrent("filters, and says how many rows are left", async () => {
    const { page } = await pageAt(recorded);
    const found = page.locator("output");
    await page.getByLabel("Method").fill("acknow");
    await page.getByText("2 rows", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByLabel("Text", { exact: true }).fill("99 WORDS");
    await expect.poll(() => found.textContent()).toBe("2 rows");
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByRole("combobox", { name: /^Run/ }).selectOption("r-2");
    await expect.poll(() => found.textContent()).toBe("5 rows");
  });

  it.concurrent("shows the lost completion, the open question, and what a run did", async () => {
    const { page } = await pageAt(recorded);
    await page.getByRole("tab", { name: "Ledger 1 not acknowledged" }).click();
    const lost = page.getByRole("row", { name: /r-2/ });
    expect(await lost.textContent()).toContain("not acknowledged");
    expect(await lost.getByRole("cell").nth(2).textContent()).toBe("2");
    await tab(page, "Questions");
    await page.getByText("Write notes.md").waitFor();
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("heading", { name: "requestPermission" }).waitFor();
    await tab(page, "Runs");
    await page.getByRole("button", { name: /Run r-1: succeeded/ }).click();
    await page.getByRole("row", { name: /tool: bash completed/ }).waitFor();
    await page.getByText("900 in, 60 out").waitFor();
    await page.getByText("67 %").waitFor();
  });

  it.concurrent("hides contents everywhere, also in what is saved", async () => {
    const { page } = await pageAt(recorded);
    await page.getByLabel("Hide contents").check();
    await rows(page, /sendMessage/)
      .first()
      .click();
    await page.getByText("[hidden: 15 characters]").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save recording" }).click(),
    ]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    expect(text.split("\n")[0]).toContain('"hidden":true');
    expect(text).toContain('"runId":"r-1"');
    for (const written of ["How many lines?", "There are", "99 words", "params are not"]) {
      expect(text).not.toContain(written);
      expect(await page.getByText(written).count()).toBe(0);
    }
    await tab(page, "Runs");
    expect(await page.getByText("Count the lines").count()).toBe(0);
  });

  it.concurrent.each([
    [1280, "light"],
    [800, "dark"],
  ] as const)("can be read and used by everybody at %i pixels, %s", async (width, scheme) => {
    const { page } = await pageAt(recorded, width, scheme);
    await rows(page, /getSession/)
      .first()
      .click();
    expect(await page.evaluate(rowsOutOfPlace)).toEqual([]);
    for (const name of ["Traffic", "Runs", "Ledger", "Questions", "Processes", "stderr"]) {
      await tab(page, name);
      if (name === "Runs") await page.getByRole("button", { name: /Run r-1/ }).click();
      expect(await faultsOf(page)).toEqual([]);
      const beyond = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
      expect(beyond).toBe(false);
      await keepPicture(page, `${name}-${width}-${scheme}`);
    }
  });

  it.concurrent("leads to a lost completion by the words of the docs", async () => {
    const acknowledging = exchange().filter((line) => !line.includes("acknowledge"));
    writeFileSync(join(folder, "lost.jsonl"), `${acknowledging.join("\n")}\n`);
    const { page } = await pageAt(await open("lost.jsonl"));
    // docs/inspecting.md, A lost completion: each word in italics or bold there is one of the page.
    const words = pageOfDocs.slice(pageOfDocs.indexOf("## A lost completion"));
    const said = [...words.slice(0, words.indexOf("\n## ")).matchAll(/\*{1,2}([^*]+)\*{1,2}/g)].map(
      ([, word]) => word,
    );
    expect(said).toEqual([
      "Ledger 1 not acknowledged",
      "Ledger",
      "Attempts",
      "Traffic",
      "Method",
      "Only invalid",
    ]);
    await page.getByRole("tab", { name: /^Ledger \d not acknowledged$/ }).click();
    await page.getByRole("columnheader", { name: "Attempts" }).waitFor();
    await page.getByText("The client must send").waitFor();
    await tab(page, "Traffic");
    await page.getByLabel("Method").fill("acknowledge");
    await page.getByText("0 rows", { exact: true }).waitFor();
    await page.getByLabel("Only invalid").waitFor();
  });

  it.concurrent("shows a pipe while it is used, with the processes of its server", async () => {
    const { child, link } = await startInspector("--", process.execPath, teeServer, "echo");
    children.push(child);
    child.stdin?.write('{"jsonrpc":"2.0","id":1,"method":"first"}\n');
    const { page } = await pageAt(link);
    child.stdin?.write('{"jsonrpc":"2.0","method":"second"}\n');
    await rows(page, /from the client ?second/).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    child.stdin?.write('{"jsonrpc":"2.0","method":"third"}\n');
    await page.getByText(/2 waiting/).waitFor();
    expect(await rows(page, /third/).count()).toBe(0);
    // What is there by then can be searched.
    const { length } = await rows(page, /first|second/).all();
    await page.getByLabel("Method").fill("first");
    await rows(page, /from the client ?second/).waitFor({ state: "hidden" });
    expect(await rows(page, /first/).count()).toBeGreaterThan(0);
    await page.getByLabel("Method").fill("");
    await page.getByText(/2 waiting/).waitFor();
    await rows(page, /from the client ?second/).waitFor();
    expect(await rows(page, /first|second/).count()).toBe(length);
    expect(await rows(page, /third/).count()).toBe(0);
    await page.getByRole("button", { name: "Pause" }).click();
    await rows(page, /from the client ?third/).waitFor();
    await tab(page, "Processes");
    await page.getByRole("cell", { name: /MB/ }).first().waitFor();
    child.stdin?.end();
    await page.getByText("The inspector has ended").waitFor();
  });

  it.concurrent("asks before it acknowledges for a client", async () => {
    const dataDir = join(folder, "data");
    const server = new ServerChild({ main: inject("serverScript"), dataDir, args: ["--inspect"] });
    try {
      await server.request("initialize", { clientId: "forgetful" });
      const opened = { path: folder, initAgent: true };
      const { id: workspaceId } = await server.request("createWorkspace", opened);
      const { id: sessionId } = await server.request("createSession", { workspaceId });
      const sent = { workspaceId, sessionId, runId: "r-lost", prompt: "@say Lost." };
      await server.request("sendMessage", sent);
      await server.request("waitRun", { workspaceId, runId: "r-lost" });
      const { child, link } = await startInspector("--data-dir", dataDir);
      children.push(child);
      const { page } = await pageAt(link);
      await page.getByRole("tab", { name: "Ledger 1 not acknowledged" }).click();
      await page.getByRole("button", { name: "Deliver again" }).click();
      await page.getByText("is delivered again").waitFor();
      await page.getByRole("button", { name: "Acknowledge…" }).click();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      expect(await page.getByText("is acknowledged").count()).toBe(0);
      await page.getByRole("button", { name: "Acknowledge…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Acknowledge" }).click();
      await page.getByText("Every completion is acknowledged.").waitFor();
      await tab(page, "Health");
      await page.getByText("Write-ahead log").waitFor();
      expect(await faultsOf(page)).toEqual([]);
    } finally {
      await server.kill();
    }
  });

  it("shows where messages were left out, also in what is saved from it", async () => {
    const [header = "", first = "", second = ""] = manyMessages(2);
    const missed = { kind: "missed", at: JSON.parse(second).at, count: 7 };
    const lines = [header, first, JSON.stringify(missed), second];
    writeFileSync(join(folder, "missed.jsonl"), `${lines.join("\n")}\n`);
    const { page } = await pageAt(await open("missed.jsonl"));
    await rows(page, /7 messages were left out here/).waitFor();
    await page.getByText("7 entries are not kept here").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save recording" }).click(),
    ]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const saved = Buffer.concat(chunks).toString("utf8").trim().split("\n");
    expect(saved.map((line) => JSON.parse(line))).toContainEqual(missed);
    expect(await faultsOf(page)).toEqual([]);
  });

  it("shows 100,000 rows without a stutter", async () => {
    writeFileSync(join(folder, "many.jsonl"), `${manyMessages(100_000).join("\n")}\n`);
    const { page } = await pageAt(await open("many.jsonl"));
    await expect.poll(() => page.locator("output").textContent()).toBe("100,000 rows");
    expect(await rows(page).count()).toBeLessThan(100);
    const longestMs = await page.evaluate<number>(scrollThrough);
    console.log(`the longest wait for a drawing: ${Math.round(longestMs)} ms`);
    expect(longestMs).toBeLessThan(onThisMachine(1000));
  });
});

it("opens nothing that is no recording", async () => {
  await expect(startInspector("package.json")).rejects.toThrow(/is no recording of turnwire/);
  await expect(startInspector("/nonexistent/file")).rejects.toThrow("ENOENT");
});

it("does not write over the recording that it opens, under whatever name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "turnwire-same-"));
  try {
    const text = `${exchange().join("\n")}\n`;
    writeFileSync(join(folder, "a.jsonl"), text);
    linkSync(join(folder, "a.jsonl"), join(folder, "b.jsonl"));
    await expect(
      startInspector(join(folder, "a.jsonl"), "--record", join(folder, "b.jsonl")),
    ).rejects.toThrow("it cannot be written at the same time");
    expect(readFileSync(join(folder, "a.jsonl"), "utf8")).toBe(text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("is not opened for a program that cannot be started", async () => {
  const command = ["--", "/nonexistent/server"];
  const said = "turnwire inspect: there is no program /nonexistent/server\n";
  await expect(startInspector(...command)).rejects.toThrow(new Error(said));
});

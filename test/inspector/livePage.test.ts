// The page of servers that run, in a real browser: a client that does not read, and the server's log.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { endDaemons, startDaemon } from "../helpers/daemonChild.js";
import { ServerChild } from "../helpers/serverChild.js";
import { unless } from "../helpers/unless.js";
import { chromiumPath, faultsOf, keepPicture, launch, startInspector } from "./browser.js";

const why = "the inspector's page needs Debian's Chromium, which is not installed";
const secret = "hunter2-hunter2";

/** A client over a bare socket, which reads only when it is told to. */
class BareClient {
  readonly #socket: Socket;
  #said = "";
  #nextId = 1;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
  }

  /** Sends a request; gives its id. */
  send(method: string, params: object): number {
    const id = this.#nextId++;
    this.#socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return id;
  }

  async request(method: string, params: object): Promise<Record<string, unknown>> {
    const id = this.send(method, params);
    for (;;) {
      const lines = this.#said.split("\n").slice(0, -1);
      const answer = lines
        .map((line) => JSON.parse(line) as { id?: number; result?: Record<string, unknown> })
        .find((message) => message.id === id);
      if (answer !== undefined) return answer.result ?? {};
      await once(this.#socket, "data");
    }
  }

  /** From now on it reads nothing. */
  stopReading(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }
}

unless(
  describe,
  chromiumPath === undefined,
  why,
)("the page of servers that run", () => {
  let folder: string;
  let browser: Browser;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    expect(inject("buildError")).toBe("");
    folder = mkdtempSync(join(tmpdir(), "turnwire-live-page-"));
    mkdirSync(join(folder, "project"));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    for (const child of children) child.kill("SIGTERM");
    await endDaemons();
    rmSync(folder, { recursive: true, force: true });
  });

  async function pageOf(dataDir: string, width = 1280): Promise<Page> {
    const { child, link } = await startInspector("--data-dir", dataDir);
    children.push(child);
    const context = await browser.newContext({ viewport: { width, height: 720 } });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    await page.goto(link);
    return page;
  }

  const tab = (page: Page, name: string) => page.getByRole("tab", { name }).click();

  it.concurrent("tells what waits for a client that does not read", async ({ expect }) => {
    const dataDir = join(folder, "slow");
    const daemon = await startDaemon({ dataDir, args: ["--inspect"] });
    const slow = new BareClient(await daemon.connect());
    await slow.request("initialize", { clientId: "slow-reader" });
    const { id: workspaceId } = await slow.request("createWorkspace", {
      path: join(folder, "project"),
      initAgent: true,
    });
    const { id: sessionId } = await slow.request("createSession", { workspaceId });
    const other = new BareClient(await daemon.connect());
    await other.request("initialize", { clientId: "quick-reader" });
    slow.stopReading();
    const sent = { workspaceId, sessionId, runId: "r-1", prompt: "@chunks 40000 200" };
    slow.send("sendMessage", sent);
    const page = await pageOf(dataDir, 800);
    await tab(page, "Health");
    const row = (name: string) => page.getByRole("row", { name: new RegExp(name) });
    const cellOf = async (name: string, at: number) =>
      Number(
        (await row(name).getByRole("cell").nth(at).textContent())
          ?.split(" ")[0]
          ?.replaceAll(",", ""),
      );
    // What it has not read, the events that wait, and those that were merged.
    for (const column of [1, 3, 4]) {
      await expect.poll(() => cellOf("slow-reader", column)).toBeGreaterThan(0);
    }
    expect(await row("slow-reader").getByRole("cell").first().textContent()).toMatch(
      /^client \d+$/,
    );
    expect(await cellOf("quick-reader", 1)).toBe(0);
    expect(await cellOf("quick-reader", 3)).toBe(0);
    expect(await faultsOf(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth > innerWidth")).toBe(false);
    await keepPicture(page, "Health-800");
    slow.close();
    await row("slow-reader").waitFor({ state: "detached" });
    // What was true of a server that has ended is not shown any more.
    await daemon.kill();
    await row("quick-reader").waitFor({ state: "detached" });
    other.close();
  });

  it.concurrent.each([
    ["stderr", (_place: string): string[] => []],
    ["a file", (place: string) => ["--log-file", `${place}.log`]],
  ])(
    "shows the log of a server whose log goes to %s, from before it was asked",
    async (name, args) => {
      const dataDir = join(folder, `log-${name.replace(" ", "-")}`);
      const env = { TURNWIRE_SOME_API_KEY: secret };
      const server = new ServerChild({
        main: inject("serverScript"),
        dataDir,
        env,
        args: [...args(dataDir), "--log-level", "info"],
      });
      try {
        const deep: unknown = JSON.parse(`${"[".repeat(300)}${"]".repeat(300)}`);
        const notify = (method: string) => server.notify(method, deep as object);
        notify(`before/${secret}`);
        await server.request("ping");
        process.kill(server.pid, "SIGUSR2");
        const page = await pageOf(dataDir);
        await tab(page, "stderr");
        const line = (text: RegExp) => page.getByRole("option", { name: text });
        await line(/before\/\[redacted\].*a bad message/).waitFor();
        notify(`after/${secret}`);
        await line(/after\/\[redacted\].*a bad message/).waitFor();
        expect(await page.getByText(secret).count()).toBe(0);
        // What the server itself has written there is as it was.
        if (name === "a file") expect(readFileSync(`${dataDir}.log`, "utf8")).toContain("after/");
        expect(await line(/after/).count()).toBe(1);
      } finally {
        await server.kill();
      }
    },
  );
});

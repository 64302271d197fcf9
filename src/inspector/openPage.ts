import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { EntryLog } from "./entryLog.js";
import { type PageAction, PageServer } from "./pageServer.js";
import type { ThreadSettings } from "./threadMessages.js";
import { tell } from "./threadPort.js";

const tokenBytes = 24;

/** What the page is told first. */
export interface Greeting {
  readonly mode: "tee" | "file" | "live";
  readonly subject: string;
  readonly hidden: boolean;
  readonly canAct: boolean;
}

/**
 * Opens the page, if one is wanted, and tells its link.
 *
 * @throws Error of the system where the port is taken.
 */
export async function openPage(
  { page }: ThreadSettings,
  log: EntryLog,
  greeting: Greeting,
  act: PageAction,
): Promise<void> {
  if (page === undefined) return;
  const server = await PageServer.listen({
    port: page.port,
    token: randomBytes(tokenBytes).toString("base64url"),
    files: {
      script: readFileSync(new URL(page.script), "utf8"),
      style: readFileSync(new URL(page.style), "utf8"),
    },
    log,
    greeting,
    act,
  });
  tell({ kind: "link", link: server.link });
}

/** What a page answers that is attached to no server. */
export function actNowhere(): Promise<never> {
  return Promise.reject(new Error("This page is not attached to a data directory."));
}

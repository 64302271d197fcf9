// The lists of a tool server, page after page.
import * as z from "zod";
import { shownText } from "./fitSchema.js";
import type { ProtocolClient } from "./protocolClient.js";

const mostPages = 50;
const mostEntries = 200;
/** With those that are wrong: to look at an entry takes time in which nothing else happens. */
const mostLookedAt = 1_000;

const methods = {
  tools: "tools/list",
  prompts: "prompts/list",
  resources: "resources/list",
  resourceTemplates: "resources/templates/list",
} as const;

/** The kinds of lists of a server. */
export type ListKind = keyof typeof methods;

/** Is told of an entry that is left out: its name, if it has one, and the reason. */
export type LeaveOut = (name: string, why: string) => void;

const Page = z.looseObject({ nextCursor: z.string().nullish() });

/**
 * The list of one kind, over all pages. Invalid entries are left out, and everything after the
 * first 200.
 */
export async function listPages<T>(
  client: ProtocolClient,
  kind: ListKind,
  entry: z.ZodType<T>,
  leaveOut: LeaveOut,
  signal?: AbortSignal,
): Promise<readonly T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  let room = mostLookedAt;
  for (let page = 0; page < mostPages && found.length <= mostEntries && room > 0; page++) {
    const answer = await client.request(
      methods[kind],
      cursor === undefined ? {} : { cursor },
      signal,
    );
    const { data } = Page.safeParse(answer);
    const given = data?.[kind];
    if (!Array.isArray(given))
      throw new Error(`its answer to ${methods[kind]} has no list of ${kind}`);
    const looked = given.slice(0, room);
    room -= looked.length;
    for (const one of looked) {
      const read = entry.safeParse(one);
      if (read.success) found.push(read.data);
      else leaveOut(nameOf(one), problemOf(read.error));
    }
    const next = data?.nextCursor ?? undefined;
    if (next === undefined || next === cursor) break;
    cursor = next;
  }
  if (found.length > mostEntries || room === 0)
    leaveOut("", `only the first ${mostEntries} ${kind} are used`);
  return found.slice(0, mostEntries);
}

function nameOf(entry: unknown): string {
  const isNamed = typeof entry === "object" && entry !== null && "name" in entry;
  return isNamed && typeof entry.name === "string" ? shownText(entry.name) : "";
}

function problemOf({ issues }: z.ZodError): string {
  const [first] = issues;
  const place = first?.path.join(".") ?? "";
  return `its entry is wrong${place === "" ? "" : ` at "${place}"`}: ${first?.message ?? ""}`;
}

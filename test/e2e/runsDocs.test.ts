// The exchanges of docs/runs.md are run, and come out as they are told.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { RunOptions } from "../../src/protocol/objects/runOptions.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const page = readFileSync(new URL("../../docs/runs.md", import.meta.url), "utf8");
const exchanges = [...page.matchAll(/^## `(\w+)`\n[^#]*?```json\n(.*)\n(.*)\n```/gm)].map(
  ([, option = "", sent = "", told = ""]) => [option, sent, told] as const,
);

it("has one for each option", () => {
  const documented = exchanges.map(([option]) => option);
  expect(documented.toSorted()).toEqual(Object.keys(RunOptions().shape).toSorted());
});

it.each(exchanges)("%s does what is told", async (option, sent, told) => {
  const server = startServer();
  await server.call("initialize", { clientId: "docs" });
  const session = await openSession(server);
  const params = { ...session.ids, runId: option, ...JSON.parse(sent) };
  expect(Object.keys(params.options)).toEqual([option]);
  await server.call("sendMessage", params);
  expect(await server.completion(option)).toMatchObject(JSON.parse(told));
  expect(existsSync(join(session.path, "made"))).toBe(false);
});

it("takes back as is told", async () => {
  const [, block = ""] = /^## Taking back\n[^#]*?```json\n([^`]*)```/m.exec(page) ?? [];
  const lines = block
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.length).toBeGreaterThan(8);
  const server = startServer();
  const session = await openSession(server);
  for (let at = 0; at < lines.length; at += 2) {
    const { method, params } = lines[at];
    const answer = await server.call(method, { ...session.ids, ...params });
    const told = method === "sendMessage" ? await server.completion(params.runId) : answer;
    expect(told, JSON.stringify(lines[at])).toMatchObject(lines[at + 1]);
  }
  expect(existsSync(join(session.path, "made.txt"))).toBe(false);
});

it("two runs of which one joins the other do what is told", async () => {
  const [first, second, ofTurn, ofJoined] =
    /```json\n(.*)\n(.*)\n(.*)\n(.*)\n```/
      .exec(page.slice(page.indexOf("## `whenBusy`")))
      ?.slice(1)
      .map((line) => JSON.parse(line)) ?? [];
  const server = startServer();
  const session = await openSession(server);
  await server.call("sendMessage", { ...session.ids, runId: "first", ...first });
  await server.until(() => server.events("messageCreated").length > 0);
  await server.call("sendMessage", { ...session.ids, runId: "second", ...second });
  const { completionId } = await server.completion("first");
  expect(await server.completion("first")).toMatchObject(ofTurn);
  const told = await server.completion("second");
  expect(told).toMatchObject(ofJoined);
  expect(told.joined).toEqual({ completionId, runId: "first" });
});

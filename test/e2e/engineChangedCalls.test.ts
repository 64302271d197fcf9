// An agent that tells of another input for a call than the one that was allowed.
import { afterAll, describe, expect, it } from "vitest";
import { EngineHouse, endHouses } from "../helpers/engineHouse.js";

afterAll(endHouses);

const call = (toolCallId: string, rawInput: object, kind = "execute") =>
  `ask ${JSON.stringify({ toolCallId, kind, title: "a call", rawInput })}`;
const change = (toolCallId: string, fields: object) =>
  `update ${JSON.stringify({ sessionUpdate: "tool_call_update", toolCallId, status: "in_progress", ...fields })}`;
const command = (line: unknown) => ({ rawInput: { command: line } });

/** A session whose user allows what is asked, unless it is about `no`. */
async function asking(config: object = {}, mode: "ask" | "allow" = "ask") {
  const session = await new EngineHouse({}, config).open(mode);
  const asked: string[] = [];
  session.server.onPermission = ({ description }) => {
    asked.push(description);
    return { result: { decision: description.startsWith("Run: no") ? "deny" : "allow" } };
  };
  return { session, asked };
}

const changed = "The engine scripted changed this call after it was allowed";

describe.concurrent("a call that was allowed and becomes another one", () => {
  it("is asked about again, and ends the turn if that is denied", async () => {
    const { session, asked } = await asking();
    const script = [call("c", { command: "make" }), change("c", command("no way")), "hang"];
    expect(await session.run(script.join("\n"), "r")).toMatchObject({
      status: "failed",
      errorName: "PermissionDenied",
      error: expect.stringMatching(/changed execute \(a call\) after it was allowed/),
      warnings: [`${changed}: Run: no way`],
      denials: 1,
    });
    expect(asked).toEqual(["Run: make", `Run: no way\n${changed}.`]);
  });

  it("goes on if that is allowed, and asks once for each change", async () => {
    const { session, asked } = await asking();
    const turn = [
      call("c", { command: "make" }),
      change("c", command("make test")),
      // The next question is answered behind that of the change.
      call("d", { command: "other" }),
      change("c", command("make")),
      change("c", command("make test")),
      call("e", { path: "a.txt" }, "edit"),
      change("e", { content: [{ type: "diff", path: "b.txt", newText: "b" }] }),
      call("f", { command: "last" }),
    ];
    expect(await session.run(turn.join("\n"), "r")).toMatchObject({ status: "succeeded" });
    const again = asked.filter((one) => one.includes(changed));
    expect(again).toEqual([`Run: make test\n${changed}.`, `a call\n${changed}.`]);
  });

  it("ends the turn where a rule forbids it, in every mode, without a question", async () => {
    const { session, asked } = await asking({ permissions: { deny: ["bash:rm *"] } }, "allow");
    const script = [call("c", { command: "make" }), change("c", command("rm x")), "hang"];
    expect(await session.run(script.join("\n"), "r-1")).toMatchObject({
      status: "failed",
      errorName: "PermissionDenied",
    });
    const hidden = [call("d", {}), change("d", command("rm x")), "hang"];
    expect(await session.run(hidden.join("\n"), "r-2")).toMatchObject({
      errorName: "PermissionDenied",
    });
    expect(asked).toEqual([]);
  });

  it("is no other one where only more is told of it, or the rules or the mode allow it", async () => {
    const permissions = { allow: ["bash:git status"] };
    const { session, asked } = await asking({ permissions });
    const more = { rawInput: { command: ["/bin/bash", "-lc", "make"], cwd: ".", why: "so" } };
    const turn = [
      call("c", { command: "make" }),
      change("c", more),
      change("c", { locations: [{ path: "/etc/hosts" }], title: "Another title" }),
      change("c", { rawInput: { exit: 0 }, content: [] }),
      change("c", command("git status")),
      // Nobody was told what it reaches.
      call("d", {}),
      change("d", command("evil")),
      call("e", { command: "last" }),
    ];
    const run = await session.run(turn.join("\n"), "r");
    expect(run).toMatchObject({ status: "succeeded" });
    expect(run.warnings).toBeUndefined();
    expect(asked).toEqual(["Run: make", "Run: a call", "Run: last"]);
  });

  it("ends the turn when it changes without end", async () => {
    const { session } = await asking({}, "allow");
    const changes = Array.from({ length: 1_001 }, (_, at) => change("c", command(`make ${at}`)));
    const script = [call("c", { command: "make" }), ...changes, "hang"];
    expect(await session.run(script.join("\n"), "r")).toMatchObject({
      errorName: "PermissionDenied",
      error: expect.stringContaining("change number 1001"),
    });
  });
});

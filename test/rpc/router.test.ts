import { describe, expect, it } from "vitest";
import { ResponseError } from "vscode-jsonrpc/node";
import { z } from "zod";
import { DomainError } from "../../src/base/errors.js";
import { ErrorTranslator, invalidParams } from "../../src/rpc/errorTranslation.js";
import type { Handlers } from "../../src/rpc/handlers.js";
import { Router } from "../../src/rpc/router.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

const { signal } = new AbortController();
const caller = { clientId: "c", signal, onCancel: () => () => {} };

function router(handlers: Partial<Handlers>) {
  const refuse = () => {
    throw new Error("nobody should come here");
  };
  const all = new Proxy(handlers, { get: (target, key) => Reflect.get(target, key) ?? refuse });
  const recording = recordingLog();
  const translator = new ErrorTranslator(new CountingIds(), recording.log);
  const rests: number[] = [];
  const rest = async (ms: number, waiting: AbortSignal) => {
    rests.push(ms);
    waiting.throwIfAborted();
  };
  return { router: new Router(all as Handlers, translator, rest), ...recording, translator, rests };
}

async function refusal(promise: Promise<unknown>): Promise<ResponseError<Record<string, unknown>>> {
  const error = await promise.then(
    (value) => new Error(`answered ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ResponseError);
  return error as ResponseError<Record<string, unknown>>;
}

describe("params", () => {
  it.each([[undefined], [null], [{}], [[]]])("may be left out as %j", async (params) => {
    const { router: routes } = router({ ping: () => ({}) });
    expect(await routes.request("ping", params, caller)).toEqual({});
  });

  it("by position are refused", async () => {
    const error = await refusal(router({}).router.request("getWorkspace", ["w"], caller));
    expect(error).toMatchObject({
      code: -32602,
      data: {
        name: "InvalidParams",
        retryable: false,
        issues: [{ path: "", message: "params go by name, in an object" }],
      },
    });
  });

  it("that are wrong are named, each with its path", async () => {
    const params = { workspaceId: 7, prompt: null, attachments: [{ path: "" }] };
    const error = await refusal(router({}).router.request("sendMessage", params, caller));
    expect(error.code).toBe(-32602);
    const issues = error.data?.issues as { path: string; message: string }[];
    expect(issues.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["workspaceId", "sessionId", "prompt", "attachments.0.path"]),
    );
    for (const { path, message } of issues) expect(error.message).toContain(`${path}: ${message}`);
  });

  it("may hold more than is known", async () => {
    const { router: routes } = router({ getWorkspace: (params) => params as never });
    expect(await routes.request("getWorkspace", { workspaceId: "w", extra: 1 }, caller)).toEqual({
      workspaceId: "w",
    });
  });
});

describe("a method", () => {
  it.each(["nothing", "toString", "__proto__", "exit"])(
    "that is none is not found: %s",
    async (name) => {
      expect(await refusal(router({}).router.request(name, {}, caller))).toMatchObject({
        code: -32601,
        data: { name: "MethodNotFound", retryable: false },
      });
    },
  );

  it("may be sent as a notification only where it says so", () => {
    const { router: routes } = router({});
    expect(routes.takesNotification("acknowledge")).toBe(true);
    expect(routes.takesNotification("sendMessage")).toBe(false);
    expect(routes.takesNotification("nothing")).toBe(false);
  });

  it("is called in one step with its request's arrival", () => {
    let isCalled = false;
    const { router: routes } = router({
      sendMessage: () => {
        isCalled = true;
        return { state: "accepted" };
      },
    });
    const params = { workspaceId: "w", sessionId: "s", prompt: "p" };
    void routes.request("sendMessage", params, caller);
    expect(isCalled).toBe(true);
  });
});

describe("what a use case throws", () => {
  it("is told as it is where it is a domain error, with its data", async () => {
    const { router: routes } = router({
      ping: () => {
        throw new DomainError("SessionBusy", "later", { data: { more: 1, name: "other" } });
      },
    });
    expect(await refusal(routes.request("ping", {}, caller))).toMatchObject({
      code: 1007,
      message: "later",
      data: { name: "SessionBusy", retryable: true, more: 1 },
    });
  });

  it("unexpectedly is logged under an id, and the client is told the id alone", async () => {
    const failure = new Error("cannot read /home/ada/.secret");
    const {
      router: routes,
      fields,
      messages,
    } = router({
      ping: async () => {
        throw failure;
      },
    });
    const error = await refusal(routes.request("ping", {}, caller));
    expect(error).toMatchObject({
      code: -32603,
      data: { name: "InternalError", retryable: false, errorId: "err_1" },
    });
    const told = JSON.stringify([error.message, error.data]);
    expect(told).not.toMatch(/secret|stack|at /);
    expect(messages).toEqual(["a request failed unexpectedly"]);
    expect(fields).toEqual([{ err: failure, errorId: "err_1", method: "ping" }]);
  });

  it("because its request was cancelled is RequestCancelled", () => {
    const { translator } = router({});
    const cancelled = AbortSignal.abort(new Error("cancelled"));
    expect(translator.translate(cancelled.reason, "waitRun", { signal: cancelled })).toMatchObject({
      code: -32800,
      data: { name: "RequestCancelled" },
    });
  });

  it("for another reason after its request was cancelled is in the log", () => {
    const { translator, fields } = router({});
    const failure = new Error("x");
    translator.translate(failure, "waitRun", { signal: AbortSignal.abort(new Error("cancelled")) });
    expect(fields).toMatchObject([{ err: failure, method: "waitRun" }]);
  });

  it("with a cause has the cause in the log", () => {
    const { translator, fields } = router({});
    const cause = new Error("SQLITE_FULL at /data");
    const error = translator.translate(
      new DomainError("StorageFailed", "full", { cause }),
      "sendMessage",
      caller,
    );
    expect(JSON.stringify(error)).not.toContain("/data");
    expect(fields).toEqual([{ err: cause, method: "sendMessage" }]);
  });

  it("is told by a schema's complaint too, for one field or the whole", () => {
    const { error } = z.object({ a: z.string() }).safeParse(5);
    expect(error && invalidParams(error).data).toMatchObject({ issues: [{ path: "" }] });
  });
});

describe("a request that another program keeps from the database", () => {
  const data = { sqliteCode: 5, reason: "databaseLocked" };
  const held = () => new DomainError("StorageFailed", "another program holds it", { data });

  it("is carried out when that lets go", async () => {
    let tries = 0;
    const { router: routes, rests } = router({
      ping: () => {
        if (++tries < 4) throw held();
        return {};
      },
    });
    expect(await routes.request("ping", {}, caller)).toEqual({});
    expect(rests).toEqual([20, 40, 80]);
  });

  it("is refused after half a minute, with the reason", async () => {
    const { router: routes, rests } = router({ ping: () => Promise.reject(held()) });
    const { code, data: told } = await refusal(routes.request("ping", {}, caller));
    expect({ code, ...told }).toMatchObject({ code: 1020, retryable: true, ...data });
    const waited = rests.reduce((sum, ms) => sum + ms, 0);
    expect(waited).toBeGreaterThan(29_000);
    expect(waited).toBeLessThanOrEqual(30_000);
  });

  it("is given up where it is cancelled", async () => {
    const abort = new AbortController();
    const { router: routes } = router({
      ping: () => {
        abort.abort();
        throw held();
      },
    });
    const cancelling = { ...caller, signal: abort.signal };
    expect(await refusal(routes.request("ping", {}, cancelling))).toMatchObject({ code: -32800 });
  });

  it("is not tried again for another failure of the disk", async () => {
    const full = new DomainError("StorageFailed", "full", { data: { sqliteCode: 13 } });
    const { router: routes, rests } = router({ ping: () => Promise.reject(full) });
    expect(await refusal(routes.request("ping", {}, caller))).toMatchObject({ code: 1020 });
    expect(rests).toEqual([]);
  });
});

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import { silentLog } from "../../src/base/log.js";
import { ErrorTranslator } from "../../src/rpc/errorTranslation.js";
import type { Handlers } from "../../src/rpc/handlers.js";
import { RequestCaller } from "../../src/rpc/requestCaller.js";
import { Router } from "../../src/rpc/router.js";
import { haveOneClass } from "../helpers/heap.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

const greeted = { permissionSeconds: 5, hasIdentity: true, trace: { traceparent: "00-1-2-03" } };
const callerOf = (clientId = "c") => new RequestCaller({ clientId }, greeted);
let made = 0;

beforeEach(() => {
  made = 0;
  const real = AbortController;
  vi.stubGlobal(
    "AbortController",
    class extends real {
      constructor() {
        super();
        made++;
      }
    },
  );
});

afterEach(() => void vi.unstubAllGlobals());

function routerOf(handlers: Partial<Handlers>): Router {
  const translator = new ErrorTranslator(new CountingIds(), silentLog);
  return new Router(handlers as Handlers, translator, async () => {});
}

it("makes no signal for a request that does not look at it, or is refused", async () => {
  const router = routerOf({
    ping: () => ({}),
    getWorkspace: () => {
      throw new DomainError("WorkspaceNotFound", "none");
    },
  });
  expect(await router.request("ping", {}, callerOf())).toEqual({});
  const params = { workspaceId: "w" };
  await expect(router.request("getWorkspace", params, callerOf())).rejects.toThrow("none");
  expect(made).toBe(0);
});

it("makes one signal, which is aborted whenever it is first looked at", () => {
  const caller = callerOf();
  const { signal } = caller;
  expect(signal.aborted).toBe(false);
  caller.cancel();
  expect(signal.aborted).toBe(true);
  expect(caller.signal).toBe(signal);
  expect(made).toBe(1);
  const late = callerOf();
  late.cancel();
  expect(late.signal.aborted).toBe(true);
  expect(String(late.signal.reason)).toBe("Error: the request was cancelled");
  expect(() => late.signal.throwIfAborted()).toThrow("the request was cancelled");
});

it("tells a use case what the handshake has told, in objects of one hidden class", () => {
  const haveSame = haveOneClass();
  expect(callerOf()).toMatchObject({ clientId: "c", ...greeted });
  expect(callerOf().scope).toBeUndefined();
  const callers = Array.from({ length: 200 }, (_, n) => callerOf(`c${n}`)).slice(100);
  expect(callers.filter((one) => haveSame(one, callers[0] ?? {}))).toHaveLength(100);
});

// What the platform's own `fetch` cannot do, against servers on this machine.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { fetchThrough } from "../../src/network/connections.js";
import { fetchVia } from "../../src/network/fetchVia.js";
import { proxiesOf, proxyFor } from "../../src/network/proxies.js";
import { LoopbackProxy, type ProxyOptions } from "../helpers/loopbackProxy.js";

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function startProxy(options?: ProxyOptions): Promise<LoopbackProxy> {
  const proxy = await LoopbackProxy.start(options);
  onTestFinished(() => proxy.close());
  return proxy;
}

const noProxy = undefined;

describe("a side that may be silent for long", () => {
  // A second is the shortest that the package counts.
  const limits = { headersTimeout: 1000, bodyTimeout: 1000 };
  const unbounded = { headersTimeout: 0, bodyTimeout: 0 };

  it("is waited for, before its answer and within, as long as told", async () => {
    const late = new Deferred<void>();
    const url = await serve(async ({ url: path }, response) => {
      if (path === "/body") response.write("Beginning, ");
      await late.promise;
      response.end("end.");
    });
    const ask = (path: string, silence: typeof limits) =>
      fetchThrough(`${url}${path}`, {}, noProxy, silence).then((response) => response.text());
    const patient = Promise.all([ask("headers", unbounded), ask("body", unbounded)]);
    await expect(ask("headers", limits)).rejects.toMatchObject({
      cause: { code: "UND_ERR_HEADERS_TIMEOUT" },
    });
    await expect(ask("body", limits)).rejects.toMatchObject({
      cause: { code: "UND_ERR_BODY_TIMEOUT" },
    });
    // The patient ones have waited longer than that by now.
    late.resolve();
    expect(await patient).toEqual(["end.", "Beginning, end."]);
  });

  it.each([
    [300_000, 1],
    [300_001, 0],
    [86_400_000, 0],
  ])("of %i ms is asked by the platform's own fetch %i times", async (silenceMs, times) => {
    const url = await serve((_, response) => response.end("ok"));
    const own = vi.spyOn(globalThis, "fetch");
    onTestFinished(() => own.mockRestore());
    const response = await fetchVia(url, {}, { silenceMs });
    expect(await response.text()).toBe("ok");
    expect(own).toHaveBeenCalledTimes(times);
  });

  it.each([
    ["in a tunnel", {}],
    ["without one", { tunnelStatus: 405 }],
  ])("is waited for behind a proxy too, %s", async (_, options) => {
    const url = await serve((_request, response) => void response.write("Beginning"));
    const { url: HTTP_PROXY } = await startProxy(options);
    const proxies = proxiesOf({ HTTP_PROXY });
    const proxy = proxyFor(new URL(url), proxies);
    const response = await fetchThrough(url, {}, proxy, limits);
    await expect(response.text()).rejects.toMatchObject({
      cause: { code: "UND_ERR_BODY_TIMEOUT" },
    });
  });

  it("ends with the signal of whoever asks", async () => {
    const arrived = new Deferred<void>();
    const url = await serve(() => arrived.resolve());
    const abort = new AbortController();
    const asked = fetchThrough(url, { signal: abort.signal }, noProxy, unbounded);
    const failed = expect(asked).rejects.toThrow("enough");
    await arrived.promise;
    abort.abort(new Error("enough"));
    await failed;
  });
});

describe("a request through a proxy", () => {
  it("is sent once, also where the connection ends in the middle of it", async () => {
    let count = 0;
    const url = await serve((request) => {
      count++;
      request.socket.destroy();
    });
    const proxy = await startProxy();
    const proxies = proxiesOf({ HTTP_PROXY: proxy.url });
    await expect(fetchVia(url, { method: "POST", body: "text" }, { proxies })).rejects.toThrow();
    expect(count).toBe(1);
    expect(proxy.passedOn).toEqual([]);
  });

  it("has its body and its headers, and the proxy's own are kept from the other side", async () => {
    const seen: unknown[] = [];
    const url = await serve(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      seen.push([request.method, Buffer.concat(chunks).toString(), request.headers]);
      response.setHeader("x-answer", "yes").end("ok");
    });
    for (const options of [{}, { tunnelStatus: 501 }]) {
      const proxy = await startProxy({ ...options, auth: "me:pass" });
      const proxies = proxiesOf({ http_proxy: proxy.url.replace("//", "//me:pass@") });
      const headers = new Headers({ "x-team": "one" });
      const init = { method: "POST", body: "text", headers };
      const response = await fetchVia(url, init, { proxies });
      expect(response.headers.get("x-answer")).toBe("yes");
      expect(await response.text()).toBe("ok");
      const [method, body, sent] = seen.pop() as [string, string, Record<string, string>];
      expect([method, body, sent["x-team"]]).toEqual(["POST", "text", "one"]);
      expect(sent).not.toHaveProperty("proxy-authorization");
      expect(sent.host).toBe(new URL(url).host);
    }
  });

  it.each([
    [502, "could not connect"],
    [504, "could not connect"],
  ])("that the proxy answers with %i failed on the far side", async (tunnelStatus, said) => {
    const proxy = await startProxy({ tunnelStatus });
    const proxies = proxiesOf({ HTTP_PROXY: proxy.url });
    await expect(fetchVia("http://a.example/", {}, { proxies })).rejects.toMatchObject({
      name: "ProxyFault",
      kind: "farSide",
      message: expect.stringContaining(said),
    });
    expect(proxy.passedOn).toEqual([]);
  });

  it("leaves the platform's own fetch as it was", async () => {
    const url = await serve((_, response) => response.end("ok"));
    const proxy = await startProxy();
    const proxies = proxiesOf({ HTTP_PROXY: proxy.url, NO_PROXY: "localhost" });
    expect(await (await fetchVia(url, {}, { proxies })).text()).toBe("ok");
    const direct = url.replace("127.0.0.1", "localhost");
    expect(await (await fetchVia(direct, {}, { proxies })).text()).toBe("ok");
    expect(await (await fetch(url)).text()).toBe("ok");
    expect(proxy.tunnels).toHaveLength(1);
  });
});

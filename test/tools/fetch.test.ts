import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { fetchTool } from "../../src/tools/fetch.js";
import { isPublicAddress } from "../../src/tools/web/addresses.js";
import { openWorkbench, refused, type Workbench } from "./workbench.js";

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function fetchWith(
  bench: Workbench,
  input: object,
  names: Record<string, string[]> = {},
  signal = bench.context.signal,
) {
  const tool = fetchTool(bench.resources, async (name) => {
    const found = names[name];
    if (found === undefined) throw new Error("unknown name");
    return found;
  });
  return tool.execute(tool.inputSchema.parse(input), { ...bench.context, signal });
}

describe("fetch", () => {
  test("HTML comes as Markdown, without scripts, or as it is", async () => {
    const bench = await openWorkbench();
    const port = await serve((_, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(
        "<title>T</title><script>bad()</script><h1>Title</h1><p>See <a href='/x'>this</a>.</p>",
      );
    });
    const url = `http://127.0.0.1:${port}/`;
    expect((await fetchWith(bench, { url })).output).toBe("# Title\n\nSee [this](/x).");
    expect((await fetchWith(bench, { url, format: "text" })).output).toBe("# Title\n\nSee this.");
    expect((await fetchWith(bench, { url, format: "html" })).output).toContain("<script>");
  });

  test("compressed text is unpacked, and a status that is no success is an error", async () => {
    const bench = await openWorkbench();
    const port = await serve((_, response) => {
      response.writeHead(404, { "content-type": "text/plain", "content-encoding": "gzip" });
      response.end(gzipSync("not here"));
    });
    expect(await fetchWith(bench, { url: `http://127.0.0.1:${port}/` })).toEqual({
      output: "not here\n[HTTP status 404]",
      isError: true,
    });
  });

  test("a body without end is cut, packed or not", async () => {
    const bench = await openWorkbench();
    const port = await serve((request, response) => {
      response.setHeader("content-type", "text/plain");
      if (request.url === "/bomb") {
        response.setHeader("content-encoding", "gzip");
        response.end(gzipSync(Buffer.alloc(200_000_000, "a")));
        return;
      }
      const more = () => {
        while (!response.destroyed && response.write("a".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    });
    for (const path of ["endless", "bomb"]) {
      const { output } = await fetchWith(bench, { url: `http://127.0.0.1:${port}/${path}` });
      expect(output.length).toBeLessThan(51_000);
      expect(output).toContain("there is more");
    }
  });

  test.each([
    ["http://127.0.0.1/"],
    ["http://2130706433/"],
    ["http://0x7f.1/"],
    ["http://0/"],
    ["http://[::1]/"],
    ["http://[::ffff:127.0.0.1]/"],
    ["http://[fd00::1]/"],
    ["http://10.1.2.3/"],
    ["http://192.168.1.1/"],
    ["http://169.254.169.254/latest/meta-data/"],
    ["http://localhost:8080/"],
    ["http://api.localhost/"],
    ["http://printer.local/"],
  ])("%s is refused without a question, unless a rule names it", async (url) => {
    const bench = await openWorkbench();
    bench.verdict = (need) => (need.ruleOnly === true ? refused : { allowed: true });
    const result = await fetchWith(bench, { url });
    expect(result).toMatchObject({ isError: true, denied: true });
    expect(result.output).toContain("private network");
    expect(bench.needs.every(({ ruleOnly }) => ruleOnly === true)).toBe(true);
  });

  test("a public name with one private address is refused", async () => {
    const bench = await openWorkbench();
    bench.verdict = (need) => (need.ruleOnly === true ? refused : { allowed: true });
    const names = { "rebind.test": ["93.184.215.14", "127.0.0.1"] };
    const result = await fetchWith(bench, { url: "http://rebind.test/" }, names);
    expect(result.denied).toBe(true);
    expect(bench.needs.map(({ ruleOnly }) => ruleOnly ?? false)).toEqual([false, true]);
  });

  test("the address that was checked is the one that is connected to", async () => {
    const bench = await openWorkbench();
    let host: string | undefined;
    const port = await serve((request, response) => {
      host = request.headers.host;
      response.end("here");
    });
    const names = { "pinned.test": ["127.0.0.1"] };
    const result = await fetchWith(bench, { url: `http://pinned.test:${port}/` }, names);
    expect(result.output).toBe("here");
    expect(host).toBe(`pinned.test:${port}`);
  });

  test("a redirect to another host asks again, one on the same host does not", async () => {
    const bench = await openWorkbench();
    const port = await serve((request, response) => {
      const target = { "/": "/two", "/two": `http://other.test:${port}/three` }[request.url ?? ""];
      if (target === undefined) response.end("arrived");
      else response.writeHead(302, { location: target }).end();
    });
    const names = { "first.test": ["127.0.0.1"], "other.test": ["127.0.0.1"] };
    const url = `http://first.test:${port}/`;
    const { output } = await fetchWith(bench, { url }, names);
    expect(output).toBe(`arrived\n[Redirected to http://other.test:${port}/three]`);
    const asked = bench.needs.filter(({ ruleOnly }) => ruleOnly !== true);
    expect(asked.map(({ subject, denyOnly }) => [subject.value, denyOnly ?? false])).toEqual([
      [url, false],
      [`http://first.test:${port}/two`, true],
      [`http://other.test:${port}/three`, false],
    ]);
    bench.verdict = (need) =>
      need.subject.value.includes("other.test") ? refused : { allowed: true };
    expect((await fetchWith(bench, { url }, names)).denied).toBe(true);
  });

  test("a redirect on the same host does not reach what a rule denies there", async () => {
    const bench = await openWorkbench();
    const seen: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      seen.push(request.url);
      if (request.url === "/") response.writeHead(302, { location: "/private/notes" }).end();
      else response.end("private");
    });
    bench.verdict = (need) =>
      need.subject.value.includes("/private/") ? refused : { allowed: true };
    const names = { "first.test": ["127.0.0.1"] };
    const result = await fetchWith(bench, { url: `http://first.test:${port}/` }, names);
    expect(result).toEqual({ output: refused.message, isError: true, denied: true });
    expect(seen).toEqual(["/"]);
  });

  test.each([
    ["file:///etc/passwd", "must begin with"],
    ["ftp://example.com/", "must begin with"],
    ["https://user:secret@example.com/", "password"],
    ["not a url", "`url` is no URL"],
    ["http://unknown.test/", "cannot be resolved"],
  ])("%s is refused in words", async (url, words) => {
    const bench = await openWorkbench();
    const result = await fetchWith(bench, { url });
    expect(result.isError).toBe(true);
    expect(result.output).toContain(words);
  });

  test("redirects in a circle end", async () => {
    const bench = await openWorkbench();
    const port = await serve((_, response) => {
      response.writeHead(302, { location: "/again" }).end();
    });
    const result = await fetchWith(bench, { url: `http://127.0.0.1:${port}/` });
    expect(result.output).toContain("redirects more than 5 times");
  });

  test("a redirect to a file is refused", async () => {
    const bench = await openWorkbench();
    const port = await serve((_, response) => {
      response.writeHead(302, { location: "file:///etc/passwd" }).end();
    });
    const result = await fetchWith(bench, { url: `http://127.0.0.1:${port}/` });
    expect(result.output).toContain("must begin with");
  });

  test("what is no text is named, not returned", async () => {
    const bench = await openWorkbench();
    const port = await serve((_, response) => {
      response.setHeader("content-type", "image/png");
      response.end(Buffer.alloc(10));
    });
    const result = await fetchWith(bench, { url: `http://127.0.0.1:${port}/` });
    expect(result).toEqual({ output: "The page is no text but image/png.", isError: true });
  });

  test.each(["before", "after"])("a cancel %s the first bytes ends it at once", async (when) => {
    const bench = await openWorkbench();
    const turn = new AbortController();
    const reason = new Error("cancelled");
    const port = await serve((_, response) => {
      if (when === "after") response.write("a");
      setImmediate(() => turn.abort(reason));
    });
    const running = fetchWith(bench, { url: `http://127.0.0.1:${port}/` }, {}, turn.signal);
    await expect(running).rejects.toBe(reason);
  });
});

test.each([
  ["8.8.8.8", true],
  ["2606:4700:4700::1111", true],
  ["100.64.0.1", false],
  ["172.31.255.255", false],
  ["172.32.0.1", true],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["::", false],
  ["fe80::1", false],
  ["64:ff9b::7f00:1", false],
  ["2002:7f00:1::", false],
  ["2001:0:7f00:1::", false],
  ["::ffff:8.8.8.8", false],
  ["no address", false],
])("%s is public: %s", (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});

// The relay to a webhook, over loopback.
import { createHmac } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import type { HttpRelay } from "../../src/config/relaySettings.js";
import { httpSink } from "../../src/relay/httpSink.js";
import { relayedEvent } from "../../src/relay/relayedEvent.js";
import { webhookSignature } from "../../src/relay/webhookSignature.js";
import { RelayHouse } from "../helpers/relayHouse.js";

let server: Server;
let got: { headers: IncomingHttpHeaders; body: string; url: string }[];
let answer: (response: ServerResponse, count: number) => void;
let house: RelayHouse;

beforeEach(async () => {
  got = [];
  answer = (response) => response.writeHead(204).end();
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      got.push({ headers: request.headers, body, url: request.url ?? "" });
      answer(response, got.length);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  house = new RelayHouse();
});
afterEach(async () => {
  await house.close();
  server.closeAllConnections();
  server.close();
});

const settings = (more: Partial<HttpRelay> = {}): HttpRelay => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return { type: "http", url: `http://127.0.0.1:${port}/hook`, secrets: [], headers: {}, ...more };
};

/** What the sink makes of one answer. */
async function refusalFor(status: number, headers: Record<string, string> = {}) {
  answer = (response) => response.writeHead(status, headers).end("x".repeat(100_000));
  const completion = house.house.outbox.following(0, { rows: 1, bytes: 1 })[0];
  if (completion === undefined) throw new Error("nothing is stored");
  const event = relayedEvent(completion, house.identity);
  const sink = httpSink(settings(), systemClock);
  return (await sink.deliver([event], new AbortController().signal)).refusal;
}

describe("a webhook", () => {
  it("gets each completion once, in order, signed as Standard Webhooks says", async () => {
    const key = Buffer.from("a key of 24 or more bytes");
    const ids = house.append(30);
    await house.begin(
      settings({
        secret: `whsec_${key.toString("base64")}`,
        headers: {
          Authorization: "Bearer abc",
          "Webhook-Id": "mine",
          "content-type": "text/plain",
        },
      }),
    );
    await house.until(({ cursor }) => cursor === 30);
    expect(got.map(({ headers }) => headers["webhook-id"])).toEqual(ids);
    const [first] = got;
    const headers: IncomingHttpHeaders = first?.headers ?? {};
    const body = first?.body ?? "";
    expect(headers["content-type"]).toBe("application/cloudevents+json; charset=UTF-8");
    expect(headers.authorization).toBe("Bearer abc");
    const timestamp = headers["webhook-timestamp"];
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60);
    const expected = createHmac("sha256", key)
      .update(`${ids[0]}.${timestamp}.${body}`)
      .digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
    expect(JSON.parse(body)).toMatchObject({
      id: ids[0],
      specversion: "1.0",
      data: { runId: "machine-1" },
    });
  });

  it("has a signature that the example of Standard Webhooks has", () => {
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const told = {
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      seconds: 1614265330,
      body: '{"test": 2432232314}',
    };
    const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    expect(webhookSignature(secret, told)).toBe(signature);
    expect(webhookSignature(`${secret}  other`, told).split(" ")).toEqual([
      signature,
      expect.stringMatching(/^v1,/),
    ]);
  });

  it.each([
    [301, "wait"],
    [400, "refused"],
    [401, "wait"],
    [402, "refused"],
    [403, "wait"],
    [404, "wait"],
    [405, "refused"],
    [407, "wait"],
    [408, "wait"],
    [409, "refused"],
    [410, "stop"],
    [413, "tooLarge"],
    [415, "refused"],
    [422, "refused"],
    [425, "wait"],
    [429, "wait"],
    [500, "wait"],
    [503, "wait"],
    [507, "wait"],
  ])("that answers %s: %s", async (status, kind) => {
    house.append(1);
    const headers: Record<string, string> = status === 301 ? { location: "/elsewhere" } : {};
    expect(await refusalFor(status, headers)).toMatchObject({ kind });
    // Nothing is sent to where it points.
    expect(got.map(({ url }) => url)).toEqual(["/hook"]);
  });

  it("says how long it wants to be left alone, in seconds or as a date", async () => {
    house.append(1);
    expect(await refusalFor(429, { "retry-after": "120" })).toMatchObject({ afterMs: 120_000 });
    const date = new Date(Date.now() + 100_000).toUTCString();
    const { afterMs = 0 } = (await refusalFor(503, { "retry-after": date })) as {
      afterMs?: number;
    };
    expect(Math.abs(afterMs - 100_000)).toBeLessThan(5000);
    expect(await refusalFor(503, { "retry-after": "soon" })).toEqual({
      kind: "wait",
      reason: "HTTP status 503",
    });
  });

  it("that answers 413 gets less, and the next one whole", async () => {
    house.append(1, "a".repeat(50_000));
    house.append(1, "b");
    answer = (response) => {
      const isLarge = (got.at(-1)?.body.length ?? 0) > 10_000;
      response.writeHead(isLarge ? 413 : 200).end();
    };
    await house.begin(settings());
    await house.until(({ cursor }) => cursor === 2);
    expect(JSON.parse(got.at(-2)?.body ?? "").data).toMatchObject({ textTruncated: true });
    expect(JSON.parse(got.at(-1)?.body ?? "").data.text).toBe("b");
  });

  it("that breaks off, or is not there, is tried again, and its address is told to nobody", async () => {
    const ids = house.append(2);
    const secret = "query-secret-1234";
    answer = (response, count) => {
      if (count === 1) response.destroy();
      else response.end();
    };
    const { url } = settings();
    await house.begin(settings({ url: `${url}?key=${secret}`, secrets: [secret] }));
    await house.until(({ trouble }) => trouble !== undefined);
    await house.until(({ cursor }) => cursor === 2);
    expect(got.map(({ headers }) => headers["webhook-id"])).toEqual([ids[0], ...ids]);
    expect(JSON.stringify([house.log.fields, house.row])).not.toContain(secret);
  });

  it("is never read to the end of an endless answer", async () => {
    house.append(3);
    answer = (response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    };
    await house.begin(settings());
    await house.until(({ cursor }) => cursor === 3);
  });
});

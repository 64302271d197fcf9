import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { readParent, toParent } from "../../src/telemetry/traceContext.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

const id = "0af7651916cd43dd8448eb211c80319c";
const span = "b7ad6b7169203331";
const read = (traceparent: string, tracestate?: string) =>
  readParent({ traceparent, ...defined({ tracestate }) });

describe("a traceparent", () => {
  it("is read and written again, with the only flag that we know", () => {
    expect(read(`00-${id}-${span}-01`)).toEqual({ traceId: id, spanId: span, isSampled: true });
    expect(read(`00-${id}-${span}-02`)?.isSampled).toBe(false);
    expect(toParent({ traceId: id, spanId: span, isSampled: false })).toEqual({
      traceparent: `00-${id}-${span}-00`,
    });
  });

  it("of a later version counts, with what it has behind", () => {
    expect(read(`01-${id}-${span}-01`)?.traceId).toBe(id);
    expect(read(`cc-${id}-${span}-01-what-the-future-brings`)?.traceId).toBe(id);
  });

  it.each([
    ["nothing", ""],
    ["a later version of ours", `00-${id}-${span}-01-more`],
    ["the version that is none", `ff-${id}-${span}-01`],
    ["upper case", `00-${id.toUpperCase()}-${span}-01`],
    ["no trace", `00-${"0".repeat(32)}-${span}-01`],
    ["no span", `00-${id}-${"0".repeat(16)}-01`],
    ["a short id", `00-${id.slice(1)}-${span}-01`],
    ["other letters", `00-${id.replace("a", "g")}-${span}-01`],
    ["a space before", ` 00-${id}-${span}-01`],
    ["a line behind", `00-${id}-${span}-01\n`],
    ["two lines", `00-${id}-${span}-01\r\nx: y`],
    ["an empty end", `01-${id}-${span}-01-`],
    ["a megabyte", `cc-${id}-${span}-01-${"a".repeat(1_000_000)}`],
    ["dashes", "-".repeat(1_000_000)],
  ])("with %s counts as absent", async (_, text) => {
    expect(read(text)).toBeUndefined();
    expect(await cpuTimeOf(() => read(text))).toBeLessThan(onThisMachine(50));
  });
});

describe("a tracestate", () => {
  const state = (text: string) => read(`00-${id}-${span}-01`, text)?.state;

  it("is handed on as it is", () => {
    expect(state("a=1,b@c=x y")).toBe("a=1,b@c=x y");
    expect(state(" a=1 , ,b=2")).toBe("a=1,b=2");
  });

  it.each([
    ["empty", ""],
    ["without a value", "a"],
    ["with an empty key", "=1"],
    ["with a key twice", "a=1,a=2"],
    ["with a line", "a=1\nb=2"],
    ["too long", `a=${"x".repeat(600)}`],
    ["with too many members", Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(",")],
    ["of commas", ",".repeat(500)],
  ])("that is %s is left out, and the parent counts", (_, text) => {
    expect(state(text)).toBeUndefined();
    expect(read(`00-${id}-${span}-01`, text)?.traceId).toBe(id);
  });
});

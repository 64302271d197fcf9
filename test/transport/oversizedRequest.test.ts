import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { OversizedRequest } from "../../src/transport/oversizedRequest.js";

/** What is found in a text that comes in pieces of a size. */
function find(text: string, size = text.length || 1) {
  const bytes = Buffer.from(text);
  const search = new OversizedRequest();
  for (let at = 0; at < bytes.length; at += size) {
    const found = search.push(bytes.subarray(at, at + size));
    if (found !== undefined) return found;
  }
  return undefined;
}

const long = "x".repeat(5_000);

describe("the id of a request that is skipped", () => {
  it.each<[string, string, string | undefined]>([
    ["before what is long", `{"jsonrpc":"2.0","id":7,"method":"m","params":["${long}"]}`, "7"],
    [
      "behind what is long",
      `{"jsonrpc":"2.0","method":"m","params":{"a":"${long}"},"id":"é\\n"}`,
      '"é\\n"',
    ],
    [
      "as it was written",
      `{"id": 9007199254740993 , "method" : "m" , "params":"${long}"}`,
      "9007199254740993",
    ],
    ["with a key that is escaped", `{"\\u0069d":1,"meth\\u006fd":"m","params":"${long}"}`, "1"],
    ["behind a byte-order mark and blanks", `\uFEFF \n{"id":1,"method":"m"}`, "1"],
    [
      "not one inside params",
      `{"jsonrpc":"2.0","method":"m","params":{"id":5,"method":"n","x":"${long}"}}`,
      "none",
    ],
    ["not one inside a text", `{"method":"m","params":"\\",\\"id\\":5,${long}"}`, "none"],
    [
      "none of a response",
      `{"jsonrpc":"2.0","id":7,"result":{"method":"m","x":"${long}"}}`,
      "none",
    ],
    ["none of a batch", `[{"jsonrpc":"2.0","id":7,"method":"m","params":["${long}"]}]`, "none"],
    ["none where it is null", `{"id":null,"method":"m","params":"${long}"}`, "none"],
    ["none where it is no id", `{"id":{"a":1},"method":"m","params":"${long}"}`, "none"],
    ["none where it is no number", `{"id":01,"method":"m","params":"${long}"}`, "none"],
    ["none where the method is no text", `{"id":1,"method":["m"],"params":"${long}"}`, "none"],
    ["none where it is longer than any id", `{"id":"${long}","method":"m"}`, "none"],
    ["none in what is no JSON", `${long}{"id":1,"method":"m"}`, "none"],
    ["not yet known where the method is to come", `{"id":1,"params":"${long}`, undefined],
    ["not yet known inside a key", `{"id":1,"method`, undefined],
  ])("is found %s", (_where, text, id) => {
    for (const size of [text.length * 4, 1, 2, 3, 7, 64]) expect(find(text, size)).toBe(id);
  });
});

test("it is the id that JSON.parse gives, for any request, cut anywhere", () => {
  const id = fc.oneof(
    fc.integer(),
    fc.string({ unit: "binary" }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  const members = fc.dictionary(
    fc.string().filter((key) => key !== "id" && key !== "method" && key !== "__proto__"),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(
      id,
      members,
      fc.nat(3),
      fc.integer({ min: 1, max: 40 }),
      (own, rest, place, size) => {
        const entries = Object.entries(rest);
        entries.splice(place, 0, ["method", "m"]);
        entries.splice(place * 2, 0, ["id", own]);
        const text = JSON.stringify(Object.fromEntries(entries));
        const found = find(text, size);
        expect(found === undefined || found === "none" ? found : JSON.parse(found)).toEqual(
          JSON.parse(text).id,
        );
      },
    ),
  );
});

test("what is read holds little, however long a message is", () => {
  const search = new OversizedRequest();
  search.push(Buffer.from('{"params":"'));
  const before = process.memoryUsage().heapUsed;
  const piece = Buffer.alloc(1024 * 1024, 0x61);
  for (let n = 0; n < 256; n++) expect(search.push(piece)).toBeUndefined();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  expect(search.push(Buffer.from('","method":"m","id":3}'))).toBe("3");
});

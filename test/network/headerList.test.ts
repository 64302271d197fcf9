// Our list of headers beside the platform's own.
import fc from "fast-check";
import { expect, it } from "vitest";
import { HeaderList } from "../../src/network/headerList.js";

const names = fc.constantFrom("Accept", "accept", "X-A", "x-b", "Content-Type", "user-agent");
const values = fc.constantFrom("", "a", " b ", "c, d", "ü", "\ttab", " \u00a0x ");
const steps = fc.oneof(
  fc.record({ do: fc.constantFrom("append", "set"), name: names, value: values }),
  fc.record({ do: fc.constant("delete"), name: names, value: values }),
);

it("does what the platform's does", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values)), fc.array(steps), (init, todo) => {
      const lists = [new HeaderList(init), new Headers(init)] as const;
      for (const { do: what, name, value } of todo) {
        for (const list of lists) {
          if (what === "append") list.append(name, value);
          else if (what === "set") list.set(name, value);
          else list.delete(name);
        }
      }
      const told = lists.map((list) => {
        const seen: string[] = [];
        list.forEach((value, name) => {
          seen.push(name, value);
        });
        return {
          entries: [...list.entries()],
          pairs: [...list],
          keys: [...list.keys()],
          values: [...list.values()],
          seen,
          x: [list.get("X-a"), list.has("X-B"), list.get("none")],
        };
      });
      expect(told[0]).toEqual(told[1]);
    }),
  );
});

it("is made of what the platform's is made of, and of one of these", () => {
  const platforms = new Headers({ a: "1", B: "2" });
  expect([...new HeaderList(platforms as never)]).toEqual([...platforms]);
  expect([...new HeaderList({ B: "2", a: "1" })]).toEqual([...platforms]);
  expect([...new Headers([...new HeaderList({ B: "2", a: "1" })])]).toEqual([...platforms]);
  expect([...new HeaderList(null)]).toEqual([]);
  expect(platforms).toBeInstanceOf(HeaderList);
  expect(new HeaderList()).toBeInstanceOf(HeaderList);
  for (const other of [{}, [], null, "x"]) expect(other instanceof HeaderList).toBe(false);
});

it.each([
  ["", "x"],
  ["a b", "x"],
  ["ä", "x"],
  ["a", "secret\r\nx: y"],
  ["a", "secret\u0000"],
  ["a", "secret 漢"],
])("refuses %j: %j without repeating the value", (name, value) => {
  const failure = (() => {
    try {
      return new HeaderList({ [name]: value });
    } catch (error) {
      return error;
    }
  })();
  expect(failure).toBeInstanceOf(TypeError);
  expect(String(failure)).not.toContain("secret");
});

import { describe, expect, it } from "vitest";
import { namesHost } from "../../src/network/proxyExceptions.js";

const cases: readonly (readonly [list: string, url: string, isNamed: boolean])[] = [
  ["", "https://api.example/", false],
  [" , ,", "https://api.example/", false],
  ["*", "https://api.example/", true],
  ["a.test, *", "https://api.example/", true],
  ["*:8443", "https://api.example:8443/", true],
  ["*:8443", "https://api.example/", false],
  ["example", "https://api.example/", true],
  ["api.example", "https://api.example/", true],
  ["API.Example", "https://api.example/", true],
  ["api.example.", "https://api.example/", true],
  ["api.example", "https://api.example./", true],
  ["ample", "https://api.example/", false],
  ["api.example", "https://my-api.example/", false],
  [".example", "https://api.example/", true],
  [".api.example", "https://api.example/", false],
  ["*.example", "https://api.example/", true],
  ["*.api.example", "https://api.example/", false],
  ["*pi.example", "https://api.example/", false],
  ["api.example:443", "https://api.example/", true],
  ["api.example:443", "http://api.example/", false],
  ["api.example:80", "http://api.example/", true],
  ["api.example:8080", "https://api.example:8080/", true],
  ["api.example:8080", "https://api.example/", false],
  [".example:8080", "https://api.example:8080/", true],
  ["http://api.example/", "https://api.example/", true],
  ["other.test api.example", "https://api.example/", true],
  ["localhost", "http://localhost:11434/", true],
  ["localhost", "http://model.localhost/", true],
  ["localhost", "http://127.0.0.1:11434/", false],
  ["127.0.0.1", "http://127.0.0.1:11434/", true],
  ["127.0.0.1", "http://2130706433/", true],
  ["127.0.0.1:11434", "http://127.0.0.1:11434/", true],
  ["127.0.0.1:11435", "http://127.0.0.1:11434/", false],
  ["0.0.1", "http://127.0.0.1/", false],
  ["10.0.0.0/8", "http://10.1.2.3/", true],
  ["10.0.0.0/8", "http://11.1.2.3/", false],
  ["10.0.0.0/33", "http://10.0.0.0/", false],
  ["10.0.0.0/", "http://10.0.0.0/", false],
  ["0.0.0.0/0", "http://11.1.2.3/", true],
  ["10.0.0.0/8", "http://name.example/", false],
  ["::1", "http://[::1]:8080/", true],
  ["[::1]", "http://[::1]:8080/", true],
  ["[::1]:8080", "http://[::1]:8080/", true],
  ["[::1]:8081", "http://[::1]:8080/", false],
  ["0:0:0:0:0:0:0:1", "http://[::1]/", true],
  ["fd00::/8", "http://[fd12::1]/", true],
  ["[fd00::]/8", "http://[fe12::1]/", false],
];

describe("NO_PROXY", () => {
  it.each(cases)("%j and %s: %s", (list, url, isNamed) => {
    expect(namesHost(list, new URL(url))).toBe(isNamed);
  });
});

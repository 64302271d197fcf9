import { describe, expect, it } from "vitest";
import { proxiesOf, proxyFor } from "../../src/network/proxies.js";
import { ProxyFault } from "../../src/network/proxyFault.js";

function proxyIn(env: Record<string, string>, url = "https://api.example/v1") {
  return proxyFor(new URL(url), proxiesOf(env));
}

describe("the proxies of an environment", () => {
  it("are none where no variable names any", () => {
    expect(proxiesOf({})).toBeUndefined();
    expect(proxiesOf({ HTTPS_PROXY: " ", http_proxy: "", NO_PROXY: "*" })).toBeUndefined();
  });

  it.each([
    [{ HTTPS_PROXY: "http://p:1" }, "http://p:1", undefined],
    [{ HTTP_PROXY: "http://p:1" }, undefined, "http://p:1"],
    [{ https_proxy: "http://small:1", HTTPS_PROXY: "http://big:1" }, "http://small:1", undefined],
    [{ https_proxy: "", HTTPS_PROXY: "http://big:1" }, "http://big:1", undefined],
    [{ ALL_PROXY: "http://all:1" }, "http://all:1", "http://all:1"],
    [{ all_proxy: "http://all:1", HTTP_PROXY: "http://p:1" }, "http://all:1", "http://p:1"],
    [{ HTTPS_PROXY: "p:3128" }, "http://p:3128", undefined],
    [{ HTTPS_PROXY: "10.0.0.1:3128" }, "http://10.0.0.1:3128", undefined],
    [{ HTTPS_PROXY: "[::1]:3128" }, "http://[::1]:3128", undefined],
    [{ HTTPS_PROXY: " https://p/ " }, "https://p", undefined],
    [{ HTTPS_PROXY: "HTTP://P:1/path?x" }, "http://p:1", undefined],
  ])("of %j", (env, https, http) => {
    expect(proxyIn(env)?.origin).toBe(https);
    expect(proxyIn(env, "http://api.example/v1")?.origin).toBe(http);
  });

  it("leave out what NO_PROXY names, in either writing", () => {
    expect(proxyIn({ ALL_PROXY: "p:1", NO_PROXY: "api.example" })).toBeUndefined();
    expect(proxyIn({ ALL_PROXY: "p:1", no_proxy: "other", NO_PROXY: "*" })?.origin).toBe(
      "http://p:1",
    );
  });

  it("take a name and a password apart from the address", () => {
    const proxy = proxyIn({ HTTPS_PROXY: "http://me%40corp:p%3Aw%2F@proxy.corp:8080" });
    expect(proxy).toEqual({
      origin: "http://proxy.corp:8080",
      authorization: `Basic ${Buffer.from("me@corp:p:w/").toString("base64")}`,
      title: "the proxy proxy.corp:8080 (HTTPS_PROXY)",
      variable: "HTTPS_PROXY",
    });
    const nameAlone = proxyIn({ HTTPS_PROXY: "me@p:1" })?.authorization;
    expect(nameAlone).toBe(`Basic ${Buffer.from("me:").toString("base64")}`);
  });

  it.each([
    ["HTTPS_PROXY", "http://me:pass-word@", "HTTPS_PROXY"],
    ["https_proxy", "http://me:pass-word@host:99999", "https_proxy"],
    ["HTTPS_PROXY", "me pass-word", "HTTPS_PROXY"],
    ["HTTPS_PROXY", "http://me:pass-word%zz@host", "HTTPS_PROXY"],
    ["ALL_PROXY", "socks5://me:pass-word@host:1080", "kind socks5"],
    ["ALL_PROXY", "socks5h://me:pass-word@host:1080", "kind socks5h"],
    ["HTTPS_PROXY", "ftp://me:pass-word@host", "kind ftp"],
    ["HTTPS_PROXY", "file:///pass-word", "HTTPS_PROXY"],
  ])("%s=%s is a fault that names the variable and not the password", (name, value, said) => {
    let fault: unknown;
    try {
      proxyIn({ [name]: value });
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(ProxyFault);
    expect(fault).toMatchObject({ kind: "setup", message: expect.stringContaining(name) });
    expect(fault).toMatchObject({ message: expect.stringContaining(said) });
    expect(String(fault)).not.toContain("pass-word");
  });

  it("are not looked at for what NO_PROXY names, or for the other scheme", () => {
    expect(proxyIn({ HTTPS_PROXY: "://", NO_PROXY: "*" })).toBeUndefined();
    expect(proxyIn({ HTTP_PROXY: "://", HTTPS_PROXY: "p:1" })?.origin).toBe("http://p:1");
  });
});

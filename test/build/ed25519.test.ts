// What stands for tweetnacl in the bundle signs as RFC 8032 says.
import { createRequire } from "node:module";
import { expect, it } from "vitest";

const { sign } = createRequire(import.meta.url)("../../scripts/build/ed25519.cjs");
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

it("signs the first example of RFC 8032, and knows its signature", () => {
  const seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
  const { publicKey, secretKey } = sign.keyPair.fromSeed(bytes(seed));
  expect(hex(publicKey)).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  expect(hex(secretKey)).toBe(`${seed}${hex(publicKey)}`);
  const signature = sign.detached(new Uint8Array(), secretKey);
  expect(hex(signature)).toBe(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  );
  expect(sign.detached.verify(new Uint8Array(), signature, publicKey)).toBe(true);
  expect(sign.detached.verify(bytes("00"), signature, publicKey)).toBe(false);
});

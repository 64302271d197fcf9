// Stands in the bundle for tweetnacl, of which the driver of NATS needs the signatures of credentials:
// Ed25519, which Node has.
const { createPrivateKey, createPublicKey, randomBytes, sign, verify } = require("node:crypto");

/** What stands before a key in PKCS 8, and before a public key in SPKI. */
const privateStart = Buffer.from("302e020100300506032b657004220420", "hex");
const publicStart = Buffer.from("302a300506032b6570032100", "hex");
const seedBytes = 32;

const privateKey = (seed) =>
  createPrivateKey({ key: Buffer.concat([privateStart, seed]), format: "der", type: "pkcs8" });
const publicKey = (raw) =>
  createPublicKey({ key: Buffer.concat([publicStart, raw]), format: "der", type: "spki" });

/** A signature; the key is a seed with its public key behind it. */
const detached = (message, secretKey) =>
  new Uint8Array(sign(null, message, privateKey(secretKey.subarray(0, seedBytes))));
detached.verify = (message, signature, raw) => verify(null, message, publicKey(raw), signature);

module.exports = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  sign: {
    detached,
    keyPair: {
      fromSeed(seed) {
        const spki = createPublicKey(privateKey(seed)).export({ format: "der", type: "spki" });
        const raw = new Uint8Array(spki.subarray(publicStart.length));
        return { publicKey: raw, secretKey: new Uint8Array(Buffer.concat([seed, raw])) };
      },
    },
  },
};

// How a connection to NATS is made, with a server that speaks just enough of its protocol.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openNats } from "../../src/relay/openNats.js";

let folder: string;
let sockets: Socket[];
let greetings: Record<string, unknown>[];
let onGreeting: () => void;
const server = createServer((socket) => {
  sockets.push(socket);
  const info = { server_id: "s", version: "2.9.0", proto: 1, max_payload: 1000, nonce: "n" };
  socket.write(`INFO ${JSON.stringify({ ...info, auth_required: true })}\r\n`);
  socket.setEncoding("utf8").on("error", () => {});
  socket.on("data", (text: string) => {
    const told = /CONNECT (\{.*\})/.exec(text)?.[1];
    if (told !== undefined) greetings.push(JSON.parse(told));
    if (text.includes("PING")) socket.write("PONG\r\n");
    if (told !== undefined) onGreeting();
  });
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-nats-"));
  [sockets, greetings, onGreeting] = [[], [], () => {}];
  await once(server.listen(0, "127.0.0.1"), "listening");
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, "close");
  rmSync(folder, { recursive: true, force: true });
});

/** A file of credentials with a key that nothing is behind. */
function writeCredentials(token: string): string {
  const file = join(folder, "creds");
  const lines = [
    "-----BEGIN NATS USER JWT-----",
    token,
    "------END NATS USER JWT------",
    "-----BEGIN USER NKEY SEED-----",
    "SUABR4AKX52YLDD5OHSVCTXWTEOXIOHMNIM5H2OGL5TZHG5OPQIPMATCJA",
    "------END USER NKEY SEED------",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

const url = () => `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;

it("reads the file of credentials again before each connection, also while it is away", async () => {
  const credentialsFile = writeCredentials("first");
  const connection = await openNats({ url: url(), credentialsFile }, { reconnect: true });
  try {
    const again = async () => {
      const greeted = new Promise<void>((resolve) => {
        onGreeting = resolve;
      });
      sockets.at(-1)?.destroy();
      await greeted;
    };
    writeCredentials("second");
    await again();
    rmSync(credentialsFile);
    await again();
    expect(greetings.map(({ jwt }) => jwt)).toEqual(["first", "second", "second"]);
  } finally {
    await connection.close();
  }
});

it.each([
  ["nats://ada:p%40ss@HOST", { user: "ada", pass: "p@ss" }],
  ["nats://sesame@HOST", { auth_token: "sesame" }],
])("takes who it is from the address: %s", async (address, told) => {
  const connection = await openNats({ url: url().replace("//", address.slice(5, -4)) });
  await connection.close();
  expect(greetings).toMatchObject([told]);
});

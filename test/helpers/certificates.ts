// A certificate for servers of tests, by itself its own authority: of no use where nobody trusts it.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { fileURLToPath } from "node:url";

/** For `NODE_EXTRA_CA_CERTS`. */
export const certificateFile = fileURLToPath(
  new URL("./certificates/certificate.pem", import.meta.url),
);

/** For localhost, this machine's addresses, `models.example`, and the clouds that tests stand for. */
export const certificate = {
  cert: readFileSync(certificateFile),
  key: readFileSync(new URL("./certificates/key.pem", import.meta.url)),
};

/** A server on this machine that is spoken to in TLS, and passes all on to another port; its own port. */
export async function startTlsDoor(
  port: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer(certificate, (outside) => {
    const inside = connect(port, "127.0.0.1");
    for (const socket of [outside, inside]) {
      sockets.add(socket);
      socket.on("error", () => {}).once("close", () => sockets.delete(socket));
    }
    outside.once("close", () => inside.destroy());
    outside.pipe(inside).pipe(outside);
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, close };
}

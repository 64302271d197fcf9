// A proxy on this machine: makes tunnels (CONNECT), passes on requests for whole addresses, and notes
// what it was asked for. Names lead where a test says.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { certificate } from "./certificates.js";

export interface ProxyOptions {
  /** `name:password` that it wants. */
  readonly auth?: string;
  /** What it answers to a request for a tunnel, instead of making one; 0 ends the connection. */
  readonly tunnelStatus?: number;
  /** Whether it never answers a request for a tunnel. */
  readonly isSilent?: boolean;
  /** Whether it passes nothing on that is not in a tunnel. */
  readonly tunnelsAlone?: boolean;
  /** Whether it is spoken to in TLS. */
  readonly isSecure?: boolean;
  /** The port on this machine to which a host and port lead. */
  readonly places?: Readonly<Record<string, number>>;
}

export class LoopbackProxy {
  /** The hosts and ports that tunnels were asked for to. */
  readonly tunnels: string[] = [];
  /** The whole addresses that were asked for. */
  readonly passedOn: string[] = [];
  readonly #server: Server;
  readonly #options: ProxyOptions;
  readonly #sockets = new Set<Duplex>();
  #port = 0;

  private constructor(options: ProxyOptions) {
    this.#options = options;
    this.#server = options.isSecure ? createTlsServer(certificate) : createServer();
    this.#server.on("connection", (socket) => this.#hold(socket));
    this.#server.on("connect", (asked, socket) => this.#connect(asked, socket));
    this.#server.on("request", (asked, response) => {
      this.passedOn.push(asked.url ?? "");
      if (options.tunnelsAlone) return void response.writeHead(405).end();
      if (!this.#admits(asked)) return void response.writeHead(407).end("the proxy's own words");
      const url = new URL(asked.url ?? "");
      const { hostname, port } = this.#placeOf(url.host);
      const { "proxy-authorization": _, "proxy-connection": __, ...headers } = asked.headers;
      const path = url.pathname + url.search;
      const sent = request({ hostname, port, path, method: asked.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      });
      sent.on("error", () => response.destroy());
      asked.pipe(sent);
    });
  }

  static async start(options: ProxyOptions = {}): Promise<LoopbackProxy> {
    const proxy = new LoopbackProxy(options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.#port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** For a variable. */
  get url(): string {
    return `${this.#options.isSecure ? "https" : "http"}://${this.host}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #hold(socket: Socket | Duplex): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}).once("close", () => this.#sockets.delete(socket));
  }

  #admits({ headers }: IncomingMessage): boolean {
    const { auth } = this.#options;
    if (auth === undefined) return true;
    return headers["proxy-authorization"] === `Basic ${Buffer.from(auth).toString("base64")}`;
  }

  #connect(asked: IncomingMessage, socket: Duplex): void {
    this.#hold(socket);
    const place = asked.url ?? "";
    this.tunnels.push(place);
    const { tunnelStatus, isSilent } = this.#options;
    if (isSilent) return;
    if (tunnelStatus === 0) return void socket.destroy();
    const status = this.#admits(asked) ? tunnelStatus : 407;
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const { hostname, port } = this.#placeOf(place);
    const other = connect(port, hostname, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      other.pipe(socket).pipe(other);
    });
    this.#hold(other);
    other.once("error", () => socket.end("HTTP/1.1 502 Bad gateway\r\n\r\n"));
    socket.once("close", () => other.destroy());
  }

  #placeOf(place: string): { readonly hostname: string; readonly port: number } {
    const named = this.#options.places?.[place];
    if (named !== undefined) return { hostname: "127.0.0.1", port: named };
    const { hostname, port } = new URL(`http://${place}`);
    return { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) };
  }
}

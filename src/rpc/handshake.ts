// `initialize` (protocol.md section 2). The client gives its identity once. After the answer, it
// gets what waits for it.
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import type { NamedParent } from "../base/telemetry.js";
import {
  daemonMethods,
  methods,
  notifications,
  type Params,
  protocolVersion,
  type Result,
} from "../protocol/registry.js";
import type { ConnectionDelivery } from "./deliveryHub.js";

/** What a client is told about the server. */
export interface ServerDescription {
  readonly name: string;
  readonly version: string;
  readonly maxMessageBytes: number;
}

/** The methods of a server; those that only a daemon has are left out elsewhere. */
function methodsOf(isDaemon: boolean): string[] {
  return Object.keys(methods).filter((name) => isDaemon || !daemonMethods.includes(name));
}

const levels = ["core", "durable", "shared"];

/** What a handshake needs. */
export interface HandshakeOptions {
  readonly delivery: ConnectionDelivery;
  readonly description: ServerDescription;
  /** Whether the server outlives the connection. */
  readonly isDaemon: boolean;
  /** Moves the runs that were accepted before `initialize` to the identity that it gives. */
  adoptEarlierRuns(from: string, to: string): void;
  watchParent(processId: number): void;
  /** Called behind the answer. */
  setTrace(params: { value: Params<"initialize">["trace"] }): void;
  /** Called when the answer has been written. */
  onGreeted(): void;
  afterWritten(result: object, run: () => void): void;
}

/** The handshake of one connection. */
export class Handshake {
  readonly #options: HandshakeOptions;
  #isDone = false;
  #canAnswer = true;
  #canGiveInput = false;
  #hasFiles = false;
  #permissionSeconds = 0;
  #hasIdentity = false;
  #trace: NamedParent = {};

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  /** Whether the client has told its identity. */
  get hasIdentity(): boolean {
    return this.#hasIdentity;
  }

  /** Whether the client may be asked for permission. */
  get canAnswerQuestions(): boolean {
    return this.#canAnswer;
  }

  /** Whether the client may be asked for input for tool servers. */
  get canGiveInput(): boolean {
    return this.#canGiveInput;
  }

  /** Whether the client answers for the files of its editor. */
  get hasFiles(): boolean {
    return this.#hasFiles;
  }

  /** How long questions of runs that are sent now wait for the client, in seconds. */
  get permissionSeconds(): number {
    return this.#permissionSeconds;
  }

  /** Where the connection belongs in a trace, as the client says. */
  get trace(): NamedParent {
    return this.#trace;
  }

  /** @throws DomainError `AlreadyInitialized` or `UnsupportedProtocolVersion`. */
  initialize(params: Params<"initialize">): Result<"initialize"> {
    if (this.#isDone) {
      throw new DomainError("AlreadyInitialized", "`initialize` was answered on this connection.");
    }
    if (params.protocolVersion !== undefined && params.protocolVersion !== protocolVersion) {
      throw new DomainError(
        "UnsupportedProtocolVersion",
        `Protocol version ${params.protocolVersion} is not spoken here; use ${protocolVersion}.`,
        { data: { supported: [protocolVersion] } },
      );
    }
    const { delivery, description, isDaemon } = this.#options;
    const clientId = params.clientId ?? delivery.clientId;
    if (clientId !== delivery.clientId) {
      this.#options.adoptEarlierRuns(delivery.clientId, clientId);
    }
    const { pending } = delivery.identify({
      clientId,
      ackTimeoutMs: params.ackTimeoutMs,
      optOutNotifications: params.optOutNotifications ?? [],
    });
    this.#isDone = true;
    this.#hasIdentity = params.clientId !== undefined;
    this.#canAnswer = params.capabilities?.requestPermission ?? true;
    this.#canGiveInput = params.capabilities?.requestInput ?? false;
    this.#hasFiles = params.capabilities?.files ?? false;
    this.#permissionSeconds = params.permissionSeconds ?? 0;
    this.#trace = params;
    if (typeof params.processId === "number") this.#options.watchParent(params.processId);
    const result: Result<"initialize"> = {
      protocolVersion,
      serverInfo: { name: description.name, version: description.version },
      clientId,
      pendingCompletions: pending,
      capabilities: {
        methods: methodsOf(isDaemon),
        notifications: Object.keys(notifications),
        maxMessageBytes: description.maxMessageBytes,
        ...defined({ daemon: isDaemon ? (true as const) : undefined }),
        levels: isDaemon ? [...levels, "daemon"] : levels,
      },
    };
    this.#options.afterWritten(result, () => {
      if (params.trace !== undefined) this.#options.setTrace({ value: params.trace });
      delivery.release();
      this.#options.onGreeted();
    });
    return result;
  }
}

// Watches the bytes of a client pass, to know whether it has said that it goes: nothing else tells the end
// that it asked for from a daemon that was lost.
import { InputDecoder } from "../transport/inputDecoder.js";

/** `shutdown` and `exit` are short; longer messages are not looked at. */
const longest = 4096;

/** What a client has said about its end. */
export class Farewell {
  readonly #decoder: InputDecoder;
  #hasShutDown = false;
  #hasExited = false;

  constructor() {
    this.#decoder = new InputDecoder({
      framing: "auto",
      maxMessageBytes: longest,
      onFrame: (frame) => {
        if (frame.kind === "text") this.#look(frame.text);
      },
      onFraming: () => {},
    });
  }

  /** Whether `exit` has passed; and if so, whether `shutdown` came before it. */
  get said(): "nothing" | "exit" | "shutdown and exit" {
    if (!this.#hasExited) return "nothing";
    return this.#hasShutDown ? "shutdown and exit" : "exit";
  }

  /** Looks at bytes that pass. */
  push(chunk: Buffer): void {
    this.#decoder.push(chunk);
  }

  #look(text: string): void {
    if (!text.includes("shutdown") && !text.includes("exit")) return;
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      // The daemon refuses it.
      return;
    }
    for (const one of Array.isArray(parsed) ? parsed : [parsed]) {
      const { method } = Object(one) as { readonly method?: unknown };
      if (method === "shutdown") this.#hasShutDown = true;
      if (method === "exit") this.#hasExited = true;
    }
  }
}

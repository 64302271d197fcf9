// Opens the place to which a relay carries completions. The code for each kind is loaded with the first
// relay of that kind.
import { assertNever } from "../base/assertNever.js";
import type { Clock } from "../base/clock.js";
import type { RelaySettings } from "../config/relaySettings.js";
import type { Sink } from "./sink.js";

/** The sink of a relay's settings. Nothing is connected before the first delivery. */
export async function openSink(relay: RelaySettings, clock: Clock): Promise<Sink> {
  switch (relay.type) {
    case "http":
      return (await import("./httpSink.js")).httpSink(relay, clock);
    case "nats":
      return new (await import("./natsSink.js")).NatsSink(relay);
    case "postgres":
      return new (await import("./postgresSink.js")).PostgresSink(relay);
    default:
      return assertNever(relay);
  }
}

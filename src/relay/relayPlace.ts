// Where a relay carries completions, in words without a secret: a relay goes on behind its cursor wherever
// that is, so it tells when it is another place than before (docs/fleet.md).
import { createHash } from "node:crypto";
import { shownAddress } from "../base/shownAddress.js";
import type { RelaySettings } from "../config/relaySettings.js";
import type { RelayPlace } from "../storage/relayPlaces.js";

/** The place of a relay's settings. A new password, or a new query of the address, makes no new place. */
export function placeOf(relay: RelaySettings): RelayPlace {
  const parts = partsOf(relay);
  const addresses = relay.url.split(",").map((one) => addressOf(one.trim()));
  const told = JSON.stringify([relay.type, addresses.sort(), parts]);
  return {
    shown: [`${relay.type} at ${shownAddress(relay.url)}`, ...parts].join(", "),
    // A path may give access: it is not shown, and only looked at to find another one.
    digest: createHash("sha256").update(told).digest("hex").slice(0, 16),
  };
}

function partsOf(relay: RelaySettings): string[] {
  switch (relay.type) {
    case "nats":
      return [`stream ${relay.stream ?? "of the subject"}`, `subject ${relay.subject}`];
    case "postgres":
      return [`table ${relay.table}`];
    case "http":
      return [];
  }
}

function addressOf(address: string): string {
  if (!URL.canParse(address)) return address.slice(address.lastIndexOf("@") + 1);
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}

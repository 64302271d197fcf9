import { expect, it } from "vitest";
import { AgentConnection } from "../../src/acpEngine/agentConnection.js";
import { AgentGone } from "../../src/acpEngine/agentErrors.js";

it("refuses more questions than 1,000 at a time, also where all have one id", async () => {
  for (const idOf of [(at: number) => at, () => "the same"]) {
    const sent: { id?: unknown; error?: { code: number } }[] = [];
    let asked = 0;
    const connection = new AgentConnection({
      send: (message) => sent.push(message),
      onRequest: (_, __, signal) => {
        asked += 1;
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
      onNotification: () => {},
    });
    for (let at = 0; at < 3_000; at++) {
      connection.receive({ jsonrpc: "2.0", id: idOf(at), method: "session/request_permission" });
    }
    expect(asked).toBe(1_000);
    expect(sent).toHaveLength(2_000);
    expect(sent[0]).toMatchObject({ id: idOf(1_000), error: { code: -32603 } });
    connection.close(new AgentGone("it is gone"));
  }
});

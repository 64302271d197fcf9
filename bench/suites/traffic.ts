// What goes over the pipe: bytes for each chunk of 20 bytes, from a model whose chunks come one by
// one to a client that keeps up, and from one that sends them all at once.
import { buildProgram, makePlace, Provider, startFloor, startServer } from "../contestants.js";
import type { BenchContext, Findings, Row, Suite } from "../measure.js";
import { textOf } from "../programs/chunks.js";

export const traffic: Suite = { name: "traffic", run };

const suite = "traffic";

async function run(context: BenchContext): Promise<Findings> {
  const chunks = context.isQuick ? 1_000 : 5_000;
  const provider = await Provider.start();
  const floor = startFloor(await buildProgram("floor"), provider);
  const server = startServer(makePlace(context.makeFolder(), provider));
  const rows: Row[] = [];
  const ways = [
    { what: "bytes for a 20-byte chunk, one a millisecond", every: " 1", limit: 160 },
    { what: "bytes for a 20-byte chunk, in a burst", every: "", limit: 160 },
  ];
  for (const one of [floor, server]) await one.greet();
  const sessions = { floor: await floor.session(), ours: await server.session() };
  for (const { what, every, limit } of ways) {
    const cost = async (name: "floor" | "ours") => {
      const { peer } = name === "floor" ? floor : server;
      const before = peer.bytes;
      const { text } = await sessions[name].turn(`chunks ${chunks} 20${every}`);
      if (text !== textOf(chunks, 20)) throw new Error("the text is not exact");
      // The whole text at the end, which both send, is no cost of a chunk.
      return (peer.bytes - before - wholeTexts(name) * text.length) / chunks;
    };
    await cost("ours");
    rows.push({
      suite,
      what,
      unit: "B" as const,
      floor: await cost("floor"),
      ours: await cost("ours"),
      rule: { kind: "atMost", limit },
    });
  }
  await Promise.all([floor.end(), server.end()]);
  await provider.end();
  return { rows };
}

/** How often the text as a whole is in what is sent: `done`; `messageUpdated` twice, `runComplete`. */
function wholeTexts(name: "floor" | "ours"): number {
  return name === "floor" ? 1 : 3;
}

// Our transforms beside the platform's own.
import fc from "fast-check";
import { expect, it } from "vitest";
import { LightStream, LightTransform } from "../../src/models/lightTransform.js";

type Controller = Pick<
  TransformStreamDefaultController<string>,
  "enqueue" | "error" | "terminate" | "desiredSize"
>;

/** What happens at one piece, at the start or at the end. */
const deeds = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("a", "b") },
    { weight: 2, arbitrary: fc.constant("wait") },
    { weight: 1, arbitrary: fc.constantFrom("throw", "error", "terminate") },
  ),
  { maxLength: 3 },
);
const scripts = fc.record({
  start: fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }),
  pieces: fc.array(deeds, { maxLength: 6 }),
  flush: deeds,
  sourceEnds: fc.boolean(),
});

function transformerOf(flush: readonly string[], start: readonly string[]) {
  const does = async (list: readonly string[], controller: Controller) => {
    for (const deed of list) {
      if (deed === "wait") await Promise.resolve();
      else if (deed === "throw") throw new Error("thrown");
      else if (deed === "error") return controller.error(new Error("told"));
      else if (deed === "terminate") return controller.terminate();
      else controller.enqueue(deed);
    }
  };
  return {
    start: (controller: Controller) => {
      for (const piece of start) controller.enqueue(piece);
    },
    transform: (list: readonly string[], controller: Controller) => does(list, controller),
    flush: (controller: Controller) => does(flush, controller),
  };
}

function sourceOf(
  pieces: readonly (readonly string[])[],
  ends: boolean,
): ReadableStream<readonly string[]> {
  const left = [...pieces];
  return new LightStream<readonly string[]>({
    pull(controller) {
      const next = left.shift();
      if (next !== undefined) controller.enqueue(next);
      else if (ends) controller.close();
      else controller.error(new Error("broken"));
    },
  });
}

async function told(stream: ReadableStream<string>): Promise<string[]> {
  const reader = stream.getReader();
  const all: string[] = [];
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      all.push(next.value);
    }
    return [...all, "the end"];
  } catch (error) {
    return [...all, String(error)];
  }
}

it("makes of a stream what the platform's make", async () => {
  await fc.assert(
    fc.asyncProperty(scripts, async ({ start, pieces, flush, sourceEnds }) => {
      const light = new LightTransform(transformerOf(flush, start));
      const platforms = new TransformStream(transformerOf(flush, start) as never);
      const ours = await told(sourceOf(pieces, sourceEnds).pipeThrough(light as never));
      const theirs = await told(sourceOf(pieces, sourceEnds).pipeThrough(platforms as never));
      // At an error the platform's drops what nobody has read yet, which depends on how fast it reads.
      if (theirs.at(-1) === "the end") expect(ours).toEqual(theirs);
      else expect(ours.at(-1)).toBe(theirs.at(-1));
    }),
    { numRuns: 500 },
  );
});

it("takes one piece after the other from its source, only when somebody waits", async () => {
  let taken = 0;
  const source = new LightStream<number>(
    {
      pull(controller) {
        taken++;
        controller.enqueue(taken);
      },
    },
    { highWaterMark: 0 },
  );
  const twice = new LightTransform<number, string>({
    transform(piece, controller) {
      if (piece % 2 === 0) controller.enqueue(`${piece}`);
    },
  });
  const reader = source.pipeThrough(twice).getReader();
  expect(taken).toBe(0);
  expect((await reader.read()).value).toBe("2");
  expect(taken).toBe(2);
});

it("cancels its source when it is cancelled, when it ends early, and when it fails", async () => {
  const reasons: unknown[] = [];
  const source = () =>
    new LightStream<string>(
      {
        pull: (controller) => controller.enqueue("x"),
        cancel: (reason) => void reasons.push(reason),
      },
      { highWaterMark: 0 },
    );
  const failure = new Error("failure");
  const cancelled = source().pipeThrough(new LightTransform<string, string>({}));
  await cancelled.cancel("enough");
  const ended = source().pipeThrough(
    new LightTransform<string, string>({ transform: (_, controller) => controller.terminate() }),
  );
  expect(await told(ended)).toEqual(["the end"]);
  const failed = source().pipeThrough(
    new LightTransform<string, string>({
      transform() {
        throw failure;
      },
    }),
  );
  expect(await told(failed)).toEqual(["Error: failure"]);
  await expect.poll(() => reasons).toHaveLength(3);
  expect(reasons).toEqual(["enough", expect.any(TypeError), failure]);
});

it("works on the platform's streams, and lets the platform's work on its own", async () => {
  const upper = () => ({
    transform: (piece: string, controller: Controller) => controller.enqueue(piece.toUpperCase()),
  });
  const plain = () =>
    new ReadableStream<string>({
      start(controller) {
        controller.enqueue("a");
        controller.close();
      },
    });
  const light = () =>
    new LightStream<string>({
      start(controller) {
        controller.enqueue("a");
        controller.close();
      },
    });
  const ours = () => new LightTransform<string, string>(upper());
  expect(await told(plain().pipeThrough(ours()))).toEqual(["A", "the end"]);
  expect(await told(light().pipeThrough(ours()))).toEqual(["A", "the end"]);
  expect(await told(light().pipeThrough(new TransformStream(upper() as never)))).toEqual([
    "A",
    "the end",
  ]);
  const [one, other] = light().pipeThrough(ours()).tee();
  expect(await Promise.all([told(one), told(other)])).toEqual([
    ["A", "the end"],
    ["A", "the end"],
  ]);
});

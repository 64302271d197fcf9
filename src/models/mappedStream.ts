// A stream of what becomes of the pieces of another stream.

/** What becomes of the pieces of one stream. An error that it throws ends the stream. */
export interface PieceMap<From, To> {
  /** What one piece becomes: nothing, one piece, or several. */
  next(piece: From): Iterable<To>;
  /** What follows after the last piece. */
  end?(): Iterable<To>;
}

/**
 * A stream of what the pieces of `source` become. It reads a piece only when somebody waits for one,
 * and cancels `source` when it is cancelled, or when `map` throws.
 *
 * It does what `pipeThrough` and a `TransformStream` do, which hand each piece on through several
 * promises, and take far longer to make.
 */
export function mappedStream<From, To>(
  source: ReadableStream<From>,
  map: PieceMap<From, To>,
): ReadableStream<To> {
  const reader = source.getReader();
  let isCancelled = false;
  const mapped = (work: () => Iterable<To>): To[] => {
    try {
      return [...work()];
    } catch (error) {
      // The error ends the stream. How the rest of the source ends interests nobody.
      reader.cancel(error).catch(() => undefined);
      throw error;
    }
  };
  return new ReadableStream<To>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read();
          if (isCancelled) return;
          const pieces = mapped(() => (done ? (map.end?.() ?? []) : map.next(value)));
          for (const piece of pieces) controller.enqueue(piece);
          if (done) controller.close();
          if (done || pieces.length > 0) return;
        }
      },
      async cancel(reason) {
        isCancelled = true;
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

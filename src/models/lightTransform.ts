// What the packages of providers make parts of events with, in place of the platform's `TransformStream`,
// which hands each piece on through several promises. The build puts it there (scripts/build/ownUtils.mjs).

import type {
  Transformer as PlatformsTransformer,
  ReadableWritablePair,
  StreamPipeOptions,
  UnderlyingSource,
} from "node:stream/web";

/** What a transform does with a stream: the platform's own words for it. */
type Controller<To> = Pick<
  TransformStreamDefaultController<To>,
  "desiredSize" | "enqueue" | "error" | "terminate"
>;

/** The functions of a transform. */
interface Transformer<From, To> {
  start?(controller: Controller<To>): unknown;
  transform?(piece: From, controller: Controller<To>): unknown;
  flush?(controller: Controller<To>): unknown;
}

/**
 * A stream whose transforms cost little: each read of their result reads from it, until something comes
 * out. In everything else it is the platform's.
 */
export class LightStream<From> extends ReadableStream<From> {
  override pipeThrough<To>(
    transform: ReadableWritablePair<To, From>,
    options?: StreamPipeOptions,
  ): ReadableStream<To> {
    if (transform instanceof LightTransform && options === undefined) return transform.of(this);
    return super.pipeThrough(transform, options);
  }
}

/** A transform of {@link LightStream}s; of any other stream it is the platform's. */
export class LightTransform<From, To> implements ReadableWritablePair<To, From> {
  readonly #transformer: Transformer<From, To>;
  #platforms: TransformStream<From, To> | undefined;

  constructor(transformer: Transformer<From, To> = {}) {
    this.#transformer = transformer;
  }

  get readable(): ReadableStream<To> {
    return this.#platform().readable;
  }

  get writable(): WritableStream<From> {
    return this.#platform().writable;
  }

  #platform(): TransformStream<From, To> {
    this.#platforms ??= new TransformStream(this.#transformer as PlatformsTransformer<From, To>);
    return this.#platforms;
  }

  /** What becomes of `source`. */
  of(source: ReadableStream<From>): LightStream<To> {
    return new LightStream<To>(new Transformation(source, this.#transformer), { highWaterMark: 0 });
  }
}

/** One stream that becomes another. */
class Transformation<From, To> implements UnderlyingSource<To> {
  readonly #reader: ReadableStreamDefaultReader<From>;
  readonly #transformer: Transformer<From, To>;
  #controller: Controller<To> | undefined;
  /** Whether something came out since somebody waits for it, or nothing will any more. */
  #hasCome = false;

  constructor(source: ReadableStream<From>, transformer: Transformer<From, To>) {
    this.#reader = source.getReader();
    this.#transformer = transformer;
  }

  start(own: ReadableStreamDefaultController<To>): unknown {
    this.#controller = {
      get desiredSize() {
        return own.desiredSize;
      },
      enqueue: (piece) => {
        this.#hasCome = true;
        own.enqueue(piece);
      },
      error: (reason) => {
        this.#hasCome = true;
        own.error(reason);
        this.#leave(reason);
      },
      terminate: () => {
        this.#hasCome = true;
        own.close();
        this.#leave(new TypeError("the transform has ended the stream"));
      },
    };
    return this.#transformer.start?.(this.#controller);
  }

  async pull(own: ReadableStreamDefaultController<To>): Promise<void> {
    this.#hasCome = false;
    const { transform, flush } = this.#transformer;
    const controller = this.#controller as Controller<To>;
    while (!this.#hasCome) {
      const { done, value } = await this.#reader.read();
      try {
        if (done) {
          const flushed = flush?.call(this.#transformer, controller);
          if (flushed instanceof Promise) await flushed;
          return own.close();
        }
        if (transform === undefined) return own.enqueue(value as never);
        const transformed = transform.call(this.#transformer, value, controller);
        if (transformed instanceof Promise) await transformed;
      } catch (error) {
        this.#leave(error);
        throw error;
      }
    }
  }

  async cancel(reason: unknown): Promise<void> {
    await this.#reader.cancel(reason);
  }

  /** The result has its end. How the rest of the source ends interests nobody. */
  #leave(reason: unknown): void {
    this.#reader.cancel(reason).catch(() => undefined);
  }
}

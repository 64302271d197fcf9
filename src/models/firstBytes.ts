/** Passes on the first bytes of a stream, and then ends it. What follows is not read. */
export class FirstBytes extends TransformStream<Uint8Array, Uint8Array> {
  constructor(mostBytes: number) {
    let left = mostBytes;
    super({
      transform(chunk, controller) {
        controller.enqueue(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) controller.terminate();
      },
    });
  }
}

// Shares the event loop among the turns of many sessions. What one commit or one read of the network has
// released would all go on at the same moment, and everything else would wait until the last is through.

let isTaken = false;
const waiting: (() => void)[] = [];

/**
 * Resolves when the caller may work for a moment: of all that ask, one in each turn of the event loop,
 * in the order in which they asked. Undefined where it may go on at once.
 */
export function loopTurn(): Promise<void> | undefined {
  if (isTaken) return new Promise((resolve) => waiting.push(resolve));
  take();
  return undefined;
}

function take(): void {
  isTaken = true;
  setImmediate(() => {
    isTaken = false;
    const next = waiting.shift();
    if (next === undefined) return;
    take();
    next();
  });
}

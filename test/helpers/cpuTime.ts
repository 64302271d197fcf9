/**
 * The processor time of a piece of work in milliseconds, the least of a few rounds: the first one
 * also pays for compiling the code. What else the machine does is not counted.
 */
export async function cpuTimeOf(work: () => unknown, rounds = 4): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const began = process.cpuUsage();
    await work();
    least = Math.min(least, process.cpuUsage(began).user / 1_000);
  }
  return least;
}

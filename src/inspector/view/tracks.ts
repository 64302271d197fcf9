/** Lays runs of one session below each other where they overlap: what waits stands below what runs. */
import type { Run } from "./runs.js";

/** The track of each run, from 0; a run without an end goes on until `now`. */
export function tracksOf(runs: readonly Run[], now: number): number[] {
  const ends: number[] = [];
  return runs.map(({ beganAt, endedAt }) => {
    const free = ends.findIndex((end) => end <= beganAt);
    const track = free === -1 ? ends.length : free;
    ends[track] = endedAt ?? now;
    return track;
  });
}

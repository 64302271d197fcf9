import { expect, it } from "vitest";
import { ListingPace } from "../../src/mcp/listingPace.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

it("a server that always says that its list has changed is asked less and less often", async () => {
  const clock = new VirtualScheduler();
  const pace = new ListingPace(clock);
  const { signal } = new AbortController();
  let listings = 0;
  const listing = (async () => {
    for (; listings < 100; listings++) await pace.wait(signal);
  })();
  await clock.settle();
  expect(listings).toBe(1);
  await clock.advance(3_600_000);
  expect(listings).toBeLessThan(70);
  await clock.advance(100 * 60_000);
  await listing;
});

it("one that was quiet is asked at once", async () => {
  const clock = new VirtualScheduler();
  const pace = new ListingPace(clock);
  const { signal } = new AbortController();
  await pace.wait(signal);
  await clock.advance(60_000);
  await pace.wait(signal);
  expect(clock.pending).toBe(0);
});

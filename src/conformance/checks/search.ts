// Section 3 of protocol.md, the search.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { demandSame } from "../checkFailure.js";
import type { Kit } from "../kit.js";
import { listOf, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { ready } from "./session.js";

const withSearch = {
  section: 3,
  level: "MUST",
  group: "core",
  lane: "main",
  needs: ["searchSessions"],
} as const;

/** Sessions in a workspace of their own, each with what was said in it, newest last. */
async function sessionsThatSaid(kit: Kit, ...texts: readonly string[]) {
  const { own } = await ready(kit);
  const place = await kit.workspace(own.peer);
  const ids: string[] = [];
  for (const text of texts) {
    const sessionId = await place.session();
    ids.push(sessionId);
    await place.run(sessionId, `@say ${text}`);
  }
  const results = async (query: string) =>
    listOf(await place.peer.result("searchSessions", { workspaceId: place.id, query }), "results");
  const find = async (query: string) =>
    (await results(query)).map((each) => membersOf(each, "session").id);
  return { place, ids, find, results };
}

export const search: readonly Requirement[] = [
  {
    ...withSearch,
    id: "TW-SEARCH-001",
    sentence: "All words must be in one message or in the title.",
    async check(kit) {
      const { ids, find } = await sessionsThatSaid(kit, "red apple", "red pear");
      demandSame(await find("pear red"), [ids[1]], "the sessions with both words");
      demandSame(await find("apple pear"), [], "the sessions with words of two sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-002",
    sentence: "Case and accents do not matter.",
    async check(kit) {
      const { ids, find } = await sessionsThatSaid(kit, "Crème brûlée");
      demandSame(await find("CREME brulee"), ids, "the sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-003",
    sentence: "A word of three characters or more is also found by its beginning.",
    async check(kit) {
      const { ids, find } = await sessionsThatSaid(kit, "strawberry");
      demandSame(await find("straw"), ids, "the sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-004",
    sentence: "Quotes and operators have no meaning.",
    async check(kit) {
      const { ids, find } = await sessionsThatSaid(kit, "kiwi OR melon");
      demandSame(await find('"kiwi" OR melon'), ids, "the sessions");
      demandSame(await find('kiwi OR "grape*" NOT ('), [], "the sessions without the words");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-005",
    sentence: "The answer has each session once, with its newest message that fits.",
    async check(kit) {
      const { place, ids, find } = await sessionsThatSaid(kit, "papaya");
      await place.run(String(ids[0]), "@say papaya once more");
      demandSame(await find("papaya"), ids, "the sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-006",
    sentence: "Deleted sessions are not found.",
    async check(kit) {
      const { place, ids, find } = await sessionsThatSaid(kit, "lychee", "lychee too");
      const params = { workspaceId: place.id, sessionId: ids[0] };
      await place.peer.result("deleteSession", params);
      demandSame(await find("lychee"), [ids[1]], "the sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-007",
    needs: ["searchSessions", "updateSession"],
    sentence:
      "[`searchSessions`](#searchsessions) looks for plain words in the texts of users and models, and in titles.",
    async check(kit) {
      const { place, ids, find, results } = await sessionsThatSaid(kit, "mango");
      const [sessionId = ""] = ids;
      const { messageId } = await place.run(sessionId, "guava in plain words\n@say fig");
      demandSame(await find("guava"), ids, "the sessions with a word of the user");
      const [found] = await results("fig");
      demandSame(textOf(found, "messageId"), messageId, "the message with a word of the model");
      const title = { workspaceId: place.id, sessionId, title: "About kumquats" };
      await place.peer.result("updateSession", title);
      demandSame(await find("kumquats"), ids, "the sessions with a word in the title");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-008",
    sentence:
      "In scripts without blanks between words, in Hangul and in symbols such as emoji, any piece is found.",
    async check(kit) {
      const texts = ["東京都庁の展望台", "안녕하세요여러분", "either 🥝🍋 or"];
      const { ids, find } = await sessionsThatSaid(kit, ...texts);
      for (const [index, piece] of ["都庁の", "하세요", "🍋"].entries()) {
        demandSame(await find(piece), [ids[index]], `the sessions with ${piece}`);
      }
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-009",
    sentence: "Of a query, the first 1,000 characters and 16 words are used.",
    async check(kit) {
      const words = Array.from({ length: 16 }, (_, index) => `word${index}`);
      const { ids, find } = await sessionsThatSaid(kit, words.join(" "));
      demandSame(await find(`${words.join(" ")} absent`), ids, "the sessions with 16 words");
      demandSame(await find(`${words.slice(1).join(" ")} absent`), [], "with 15 of 16 words");
      const long = `${words[0]}${" ".repeat(1000)}absent`;
      demandSame(await find(long), ids, "the sessions with the first 1,000 characters");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-010",
    sentence: "Thoughts, results of tools, summaries and unfinished replies are not searched.",
    async check(kit) {
      const { place, find } = await sessionsThatSaid(kit);
      writeFileSync(join(place.path, "zucchini.txt"), "");
      const sessionId = await place.session();
      const { status } = await place.run(sessionId, '@tool ls {"path":"."}\n@say It is listed');
      demandSame(status, "succeeded", "the run that lists a folder");
      demandSame(await find("listed"), [sessionId], "the sessions with what was said");
      demandSame(await find("zucchini"), [], "the sessions with a word in the result of a tool");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-011",
    sentence: "Sessions whose title fits come first; both groups are sorted newest first.",
    async check(kit) {
      const { place, find } = await sessionsThatSaid(kit);
      const ids: string[] = [];
      for (const title of ["Plums", "Fruit", "More fruit", "Plums again"]) {
        const session = await place.peer.result("createSession", { workspaceId: place.id, title });
        const sessionId = textOf(session, "id");
        ids.push(sessionId);
        const words = title.startsWith("Plums") ? "nothing of it" : "plums";
        await place.run(sessionId, `@say ${words}`);
      }
      const [first, second, third, fourth] = ids;
      demandSame(await find("plums"), [fourth, first, third, second], "the order of the sessions");
    },
  },
];

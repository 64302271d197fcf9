import { describe, expect, it } from "vitest";
import { namedAttachments } from "../../../src/backend/attachments.js";
import { base64Bytes } from "../../../src/protocol/objects/base64.js";

/** Whether the bytes of an attachment are taken: by its schema, and where they are decoded. */
function isTaken(data: string): boolean {
  if (!base64Bytes().safeParse(data).success) return false;
  try {
    const [attachment] = namedAttachments([{ name: "a", mimeType: "b", data }]);
    return Buffer.from(attachment?.data ?? []).toString("base64") === data;
  } catch {
    return false;
  }
}

describe.each([0, 2 * 1024 * 1024])("behind %i characters", (length) => {
  const before = "abcd".repeat(length / 4);

  it.each(["", "YQ==", "YWI=", "YWJj", "+/+/"])("%j is base64", (end) => {
    expect(isTaken(before + end)).toBe(true);
  });

  it.each(["Y", "YQ", "YQ=", "YQ=a", "Y===", "====", "YQ==YQ==", "Y Q=", "YQ\n=", "-_-_", "YWJé"])(
    "%j is none",
    (end) => {
      expect(isTaken(before + end)).toBe(false);
    },
  );
});

it("is taken up to 20 MiB", () => {
  expect(isTaken(Buffer.alloc(20 * 1024 * 1024).toString("base64"))).toBe(true);
  expect(isTaken(Buffer.alloc(20 * 1024 * 1024 + 3).toString("base64"))).toBe(false);
});

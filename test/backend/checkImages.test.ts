import { expect, test } from "vitest";
import { checkImages } from "../../src/backend/attachments.js";

const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
const webp = Buffer.from("RIFF\0\0\0\0WEBPVP8 ");
const gif = Buffer.from("GIF89a");
const check = (mimeType: string, data: Uint8Array) => () =>
  checkImages([
    { name: "t", mimeType: "text/plain", data: new Uint8Array() },
    { name: "a", mimeType, data },
  ]);

test.each([
  ["image/png", png],
  ["image/jpeg", jpeg],
  ["IMAGE/WebP; q=1", webp],
  ["image/gif", gif],
  ["image/svg+xml", Buffer.from("<svg/>")],
  ["application/pdf", Buffer.from("anything")],
])("bytes that are %s are accepted as it", (mimeType, data) => {
  expect(check(mimeType, data)).not.toThrow();
});

test.each([
  ["image/png", jpeg, /image\/jpeg, not image\/png/],
  ["image/jpeg", Buffer.from("%PDF-1.7"), /application\/pdf, not image\/jpeg/],
  ["image/gif", Buffer.from("words"), /no image, not image\/gif/],
  ["image/webp", Buffer.from("RIFF\0\0\0\0WAVE"), /no image/],
  ["image/png", new Uint8Array(), /empty/],
])("bytes that are no %s are refused at acceptance", (mimeType, data, words) => {
  expect(check(mimeType, data)).toThrow(words);
});

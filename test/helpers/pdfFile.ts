import { constants, deflateRawSync, deflateSync } from "node:zlib";

/** A PDF with one line of text on each page. */
export function pdf(texts: readonly string[]): string {
  const kids = texts.map((_, index) => `${4 + index * 2} 0 R`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids [${kids}] /Count ${texts.length} >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ...texts.flatMap((text, index) => {
      const content = `BT /F1 24 Tf 72 700 Td (${text}) Tj ET`;
      const stream = `<< /Length ${content.length} >>\nstream\n${content}\nendstream`;
      const page = `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + index * 2} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`;
      return [page, stream];
    }),
  ];
  let file = "%PDF-1.4\n";
  const offsets = objects.map((object, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const xref = file.length;
  const count = objects.length + 1;
  file += `xref\n0 ${count}\n0000000000 65535 f \n${offsets.join("")}`;
  return `${file}trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`;
}

/** A PDF with one page, whose content is object 4, and further objects. */
export function onePage(content: Buffer, resources: string, further: readonly Buffer[]): Buffer {
  const page = `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << ${resources} >> >>`;
  return Buffer.concat([
    Buffer.from("%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"),
    Buffer.from("2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"),
    Buffer.from(`3 0 obj\n${page}\nendobj\n`),
    content,
    ...further,
    Buffer.from("trailer\n<< /Root 1 0 R >>\n%%EOF\n"),
  ]);
}

/** An object with a stream. */
export function stored(number: number, data: Buffer, dictionary = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`${number} 0 obj\n<< ${dictionary} /Length ${data.length} >>\nstream\n`),
    data,
    Buffer.from("\nendstream\nendobj\n"),
  ]);
}

/** What a stream is once it is decompressed. */
export interface Bomb {
  readonly begin: string;
  readonly repeated: Buffer;
  readonly times: number;
}

/** An object whose stream is small and becomes large. */
export function bomb(number: number, dictionary: string, { begin, repeated, times }: Bomb): Buffer {
  const deflated = (data: Buffer) => deflateRawSync(data, { finishFlush: constants.Z_FULL_FLUSH });
  const blocks = Array<Buffer>(times).fill(deflated(repeated));
  const data = Buffer.concat([Buffer.from([0x78, 0x9c]), deflated(Buffer.from(begin)), ...blocks]);
  return stored(number, data, `${dictionary} /Filter /FlateDecode`);
}

/** A PDF of 200 kB that takes all memory of its reader: its page has an array of 200 million numbers. */
export function longArrayPdf(): Buffer {
  const repeated = Buffer.alloc(1024 * 1024, "0 ");
  return onePage(bomb(4, "", { begin: "BT [", repeated, times: 400 }), "", []);
}

const digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/**
 * A PDF of 11 MB with a dictionary of nine million keys on its page. The table for one more key, which is twice
 * as large, fits into no heap of 512 MB; what is there already does.
 */
export function largeDictionaryPdf(): Buffer {
  const triples = Array.from(digits, (one) =>
    Array.from(digits, (two) => Array.from(digits, (three) => `/${three}${two}${one}`)),
  ).flat(2);
  const all = Array.from(digits.slice(0, 38), (last) => triples.join(`${last} 1 `));
  const data = deflateSync(Buffer.from(`BT <<${all.join("")}`), { level: 6 });
  return onePage(stored(4, data, "/Filter /FlateDecode"), "", []);
}

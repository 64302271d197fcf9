// Faults in what protocol.md promises in section 1: the framing `header`.

/** Ways to write a body in the framing `header`, each with the requirements that must tell it. */
export const framingFaults: readonly {
  readonly name: string;
  readonly caughtBy: readonly string[];
  write(body: Buffer): Buffer;
}[] = [
  {
    name: "a length in characters",
    caughtBy: ["TW-TRANSPORT-003"],
    write: (body) => framed(body, `Content-Length: ${body.toString().length}`),
  },
  {
    name: "a length that counts a newline after the body",
    caughtBy: ["TW-TRANSPORT-003"],
    write: (body) => framed(body, `Content-Length: ${body.length + 1}`),
  },
  {
    name: "a line of log before a header",
    caughtBy: ["TW-TRANSPORT-002"],
    write: (body) => framed(body, `DEBUG an answer Content-Length: ${body.length}`),
  },
  {
    name: "bodies without a header",
    caughtBy: ["TW-TRANSPORT-002"],
    write: (body) => {
      const header = `Content-Length: ${body.length}`;
      const stray = Buffer.from("X-Nothing: 1\r\n\r\n");
      return Buffer.concat([stray, framed(body, header)]);
    },
  },
];

function framed(body: Buffer, header: string): Buffer {
  return Buffer.concat([Buffer.from(`${header}\r\n\r\n`), body]);
}

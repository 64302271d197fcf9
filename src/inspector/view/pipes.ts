/** The names of pipes: a server's, and behind a blank that of one of its clients. */

/** Whether a pipe is over when another one is: a server takes those of its clients along. */
export function endsWith(pipe: string, ended: string): boolean {
  return pipe === ended || pipe.startsWith(`${ended} `);
}

/** Whether this is a client's own pipe, whose end is not the server's. */
export function isOfClient(pipe: string): boolean {
  return pipe.includes(" ");
}

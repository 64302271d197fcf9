import * as z from "zod";
import { afterAwake } from "../base/awakeTime.js";
import { defined } from "../base/defined.js";
import { cutText, formatCount } from "../base/text.js";
import { defineTool } from "./defineTool.js";
import { ToolFailure } from "./failure.js";
import type { ToolResources } from "./resources.js";
import type { Tool, ToolContext, ToolResult } from "./tool.js";
import { fetchFollowing, type Resolver, systemResolver } from "./web/follow.js";
import { pageText, readBody } from "./web/page.js";

const description = `Fetches a page of the web (http or https) and returns it as text, HTML as Markdown.
Addresses of this machine and of private networks are refused, unless the user's rules name them. Nothing but GET is sent, without cookies or credentials.`;

const timeoutMs = 30_000;
const maxOutputLength = 50_000;

const inputSchema = z.object({
  url: z.string().min(1).max(4_000).describe("The address, with `https://` or `http://`."),
  format: z
    .enum(["markdown", "text", "html"])
    .optional()
    .describe("How HTML is returned; `markdown` unless told."),
});
type FetchInput = z.output<typeof inputSchema>;

/** `fetch`: a page of the web. `resolver` looks names up. */
export function fetchTool(
  resources: ToolResources,
  resolver: Resolver = systemResolver,
): Tool<FetchInput> {
  return defineTool({
    name: "fetch",
    readOnly: true,
    description,
    inputSchema,
    execute: (input, context) => fetchPage(resources, resolver, input, context),
  });
}

async function fetchPage(
  resources: ToolResources,
  resolver: Resolver,
  input: FetchInput,
  context: ToolContext,
): Promise<ToolResult> {
  const url = parseUrl(input.url);
  const { response, url: finalUrl } = await fetchFollowing({
    url,
    input,
    context,
    resolver,
    // Questions wait for a person, so only each single request has a time limit.
    limit: (work) => withTimeout(resources, context.signal, work),
  });
  const body = await withTimeout(resources, context.signal, async (signal) => {
    const stop = () => response.body.destroy();
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await readBody(response);
    } catch (error) {
      signal.throwIfAborted();
      throw new ToolFailure(`${finalUrl.host} broke off its answer.`, { cause: error });
    } finally {
      signal.removeEventListener("abort", stop);
      response.body.destroy();
    }
  });
  const text = await pageText(body, {
    contentType: response.contentType,
    format: input.format ?? "markdown",
    work: resources.host.work,
    signal: context.signal,
  });
  const shown = cutText(text, maxOutputLength);
  const notes: string[] = [];
  if (finalUrl.href !== url.href) notes.push(`Redirected to ${finalUrl.href}`);
  if (body.isCut || shown.length < text.length) {
    notes.push(`Cut after ${formatCount(shown.length)} characters; there is more.`);
  }
  const isError = response.status < 200 || response.status > 299;
  if (isError) notes.push(`HTTP status ${response.status}`);
  const output = [shown.trim() || "(no content)", ...notes.map((note) => `[${note}]`)].join("\n");
  return { output, ...defined({ isError: isError || undefined }) };
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw new ToolFailure(`\`url\` is no URL: ${text}. Write it whole, with https://.`);
  }
  return new URL(text);
}

/** Limits the time of work. @throws ToolFailure when it took too long. */
async function withTimeout<T>(
  resources: ToolResources,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const tooLong = new ToolFailure(`The server did not answer within ${timeoutMs / 1000} seconds.`);
  const timer = afterAwake(resources.clock, timeoutMs, () => limit.abort(tooLong));
  try {
    return await work(AbortSignal.any([outer, limit.signal]));
  } catch (error) {
    outer.throwIfAborted();
    limit.signal.throwIfAborted();
    throw error;
  } finally {
    timer.cancel();
  }
}

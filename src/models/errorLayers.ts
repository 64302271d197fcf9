// A provider's error is often wrapped: in an array, in `error`, as text in `metadata.raw` of a
// proxy, or as JSON in a message. This unwraps it into the objects that carry information.

/** One object of an error. */
export type ErrorLayer = Readonly<Record<string, unknown>>;

const mostLayers = 12;
const longestText = 100_000;
const mostDetails = 10;

/**
 * The objects that an error consists of, the outermost first. Text that is JSON is read; nothing else
 * of it is kept.
 */
export function layersOf(error: unknown): readonly ErrorLayer[] {
  const layers: ErrorLayer[] = [];
  const seen = new Set<unknown>();
  const waiting: unknown[] = [error];
  while (waiting.length > 0 && layers.length < mostLayers) {
    const value = parsed(waiting.shift());
    if (Array.isArray(value)) {
      waiting.unshift(...value.slice(0, 3));
    } else if (typeof value === "object" && value !== null && !seen.has(value)) {
      seen.add(value);
      const layer = Object.fromEntries(ownFields(value));
      layers.push(layer);
      waiting.push(layer.responseBody, layer.data, layer.error, layer.response);
      waiting.push(inside(layer.metadata, "raw"));
      if (!Array.isArray(layer.message)) waiting.push(layer.message);
      if (!Array.isArray(layer.detail)) waiting.push(layer.detail);
    }
  }
  return layers;
}

/** The messages of an error, from the outside to the inside, without repetitions. */
export function wordsIn(layers: readonly ErrorLayer[]): string[] {
  const words = layers.flatMap((layer) => [
    ...listed(layer.message),
    // Amazon's services write it so in some of their errors.
    ...said(layer.Message),
    ...said(layer.error),
    ...said(layer.error_description),
    ...said(layer.msg),
    ...said(layer.title),
    ...said(inside(layer.metadata, "raw")),
    ...listed(layer.detail),
    ...listed(layer.details),
    ...listed(layer.errors),
  ]);
  return [...new Set(words)];
}

/** The codes of an error, by which programs know it. */
export function codesIn(layers: readonly ErrorLayer[]): string {
  const codes = layers.flatMap((layer) => [layer.code, layer.type, layer.status, layer.reason]);
  for (const { details } of layers) {
    for (const detail of listOf(details)) {
      codes.push(inside(detail, "reason"));
      for (const broken of listOf(inside(detail, "violations"))) {
        codes.push(inside(broken, "quotaId"));
      }
    }
  }
  const isCode = (code: unknown) => typeof code === "string" || typeof code === "number";
  return codes.filter(isCode).join(" ").slice(0, longestText);
}

/** A member of a value, if the value has members. */
export function inside(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** A value as a list, if it is one, cut to a length that a person can read. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, mostDetails) : [];
}

/** The fields of an object, including those of its class that matter here. */
function ownFields(value: object): [string, unknown][] {
  if (!(value instanceof Error)) return Object.entries(value);
  const names = new Set([...Object.keys(value), "message"]);
  return [...names].map((name) => [name, Reflect.get(value, name)]);
}

function parsed(value: unknown): unknown {
  if (typeof value !== "string" || value.length > longestText) return value;
  const text = value.trim();
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // It only looked like JSON, so it is text.
    return undefined;
  }
}

/** Text for a person: no JSON, which is a layer of its own, and no HTML page. */
function said(value: unknown): string[] {
  if (typeof value !== "string") return [];
  const text = value.slice(0, longestText).trim();
  return text === "" || text.startsWith("<") || isRead(text) ? [] : [text];
}

function isRead(text: string): boolean {
  return /^[[{]/.test(text) && parsed(text) !== undefined;
}

/** The complaints of a list; also of an object that has a list of them for each field. */
function entriesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return listOf(value);
  return Object.entries(value)
    .slice(0, mostDetails)
    .flatMap(([field, own]) => listOf(own).map((message) => ({ field, message })));
}

/** Joins a list of complaints, such as a status 422 has, each with the field that it is about. */
function listed(value: unknown): string[] {
  if (typeof value === "string") return said(value);
  const complaints = entriesOf(value).flatMap((entry) => {
    if (typeof entry === "string") return said(entry);
    const [words] = [inside(entry, "msg"), inside(entry, "message")].flatMap(said);
    if (words === undefined) return [];
    const place = inside(entry, "loc") ?? inside(entry, "path") ?? inside(entry, "field");
    const where = Array.isArray(place) ? place.map(String).join(".") : said(place)[0];
    return [where === undefined || where === "" ? words : `${where}: ${words}`];
  });
  return complaints.length === 0 ? [] : [complaints.join("; ")];
}

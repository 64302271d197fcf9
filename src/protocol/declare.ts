import type * as z from "zod";
import type { ErrorName } from "../base/errors.js";

/** A schema that is built when it is first asked for: a process that starts needs few of them. */
export type LazySchema<S extends z.ZodType> = () => S;

/** Builds a schema once, on first use. */
export function lazySchema<S extends z.ZodType>(build: () => S): LazySchema<S> {
  let built: S | undefined;
  return () => {
    built ??= build();
    return built;
  };
}

/** Who sends a request or notification. */
export type Direction = "clientToServer" | "serverToClient";

/** What a method declares; see {@link declareMethod}. */
export interface MethodDeclaration<
  Name extends string = string,
  P extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  readonly name: Name;
  readonly summary: string;
  /** The section of `protocol.md` that it comes from. */
  readonly section: number;
  readonly direction: Direction;
  readonly params: LazySchema<P>;
  readonly result: LazySchema<R>;
  /** The errors of the project's own that it answers, beside those that any request can get. */
  readonly errors: readonly ErrorName[];
  /** Whether it may be sent as a notification too. */
  readonly alsoNotification: boolean;
  readonly example: { readonly params: z.input<P>; readonly result: z.output<R> };
}

/** What a notification declares; see {@link declareNotification}. */
export interface NotificationDeclaration<
  Name extends string = string,
  P extends z.ZodType = z.ZodType,
> {
  readonly name: Name;
  readonly summary: string;
  readonly section: number;
  readonly direction: Direction;
  /** Whether it may be lost: everything but `runComplete` may. */
  readonly delivery: "lossy" | "durable";
  readonly params: LazySchema<P>;
  readonly example: z.output<P>;
}

/**
 * Declares a request once; types, validation, documentation, JSON Schema and the client
 * derive from it.
 */
export function declareMethod<
  const Name extends string,
  P extends z.ZodType,
  R extends z.ZodType,
>(declaration: {
  name: Name;
  summary: string;
  section: number;
  direction?: Direction;
  params: () => P;
  result: () => R;
  errors?: readonly ErrorName[];
  alsoNotification?: boolean;
  example: { params: z.input<NoInfer<P>>; result: z.output<NoInfer<R>> };
}): MethodDeclaration<Name, P, R> {
  return {
    direction: "clientToServer",
    errors: [],
    alsoNotification: false,
    ...declaration,
    params: lazySchema(declaration.params),
    result: lazySchema(declaration.result),
  };
}

/** Declares a notification once, as {@link declareMethod} does a request. */
export function declareNotification<const Name extends string, P extends z.ZodType>(declaration: {
  name: Name;
  summary: string;
  section: number;
  direction?: Direction;
  delivery?: "lossy" | "durable";
  params: () => P;
  example: z.output<NoInfer<P>>;
}): NotificationDeclaration<Name, P> {
  return {
    direction: "serverToClient",
    delivery: "lossy",
    ...declaration,
    params: lazySchema(declaration.params),
  };
}

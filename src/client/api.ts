/** The protocol's methods as functions, made from the registry. */
import { type MethodName, methods, type ParamsInput, type Result } from "../protocol/registry.js";

/** The arguments of a method. The params may be left out if none is required. */
type Arguments<M extends MethodName> =
  Record<string, never> extends ParamsInput<M>
    ? [params?: ParamsInput<M>, signal?: AbortSignal]
    : [params: ParamsInput<M>, signal?: AbortSignal];

/** The methods that a caller may use; the client itself sends `initialize` and `shutdown`. */
export type ApiMethod = Exclude<MethodName, "initialize" | "shutdown">;

/** Each method as a function of its params, and of a signal that cancels the request. */
export type ClientApi = {
  readonly [M in ApiMethod]: (...args: Arguments<M>) => Promise<Result<M>>;
};

/** Makes the functions; each sends its request with `request`. */
export function createApi(
  request: <M extends MethodName>(
    method: M,
    params: ParamsInput<M>,
    signal?: AbortSignal,
  ) => Promise<Result<M>>,
): ClientApi {
  const names = Object.keys(methods).filter(isApiMethod);
  // Each function is made from its own member name.
  return Object.fromEntries(
    names.map((name) => [
      name,
      (params: ParamsInput<typeof name> = {}, signal?: AbortSignal) =>
        request(name, params, signal),
    ]),
  ) as ClientApi;
}

function isApiMethod(name: string): name is ApiMethod {
  return Object.hasOwn(methods, name) && name !== "initialize" && name !== "shutdown";
}

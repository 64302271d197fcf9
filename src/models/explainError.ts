// Turns an error of a provider into a sentence that a person can act on. Every message names the
// provider, quotes its answer, and says what to do. No message contains a secret.

import { defined } from "../base/defined.js";
import { redact } from "../base/redact.js";
import { type ProxyFault, proxyFaultIn } from "../network/proxyFault.js";
import { askedWait } from "./askedWait.js";
import { type ErrorFacts, factsOf } from "./errorFacts.js";
import type { ModelFailure, RetryHint } from "./modelFailure.js";
import {
  at,
  keyAdvice,
  type ModelIdentity,
  said,
  shownUrl,
  switchAdvice,
} from "./modelIdentity.js";
import { type Overflow, overflowOf } from "./overflow.js";
import { NotAStreamError } from "./providerFetch.js";
import { isQuotaUsedUp } from "./quota.js";
import { longestAskedWaitMs, usualAttempts } from "./retry.js";
import { SetupError } from "./setupError.js";
import { switchFor } from "./switchAdvice.js";

/** A refused or unknown address seldom begins to work: after two more tries, the person is told. */
const refusedAttempts = 3;
const garbledAttempts = 2;

const billingAdvice = "Check the account's plan and billing.";

/** The answers of providers that take no images, or not this image. */
const isImageStatus = /^(400|404|413|415|422|500|501)$/;
const aboutImages = /\bimages?\b|image_url|inline_data|\bvision\b|multi-?modal|\bmmproj\b/i;
const refused = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
const untrusted = /SSL|TLS|CERT|SIGNED|UNABLE_TO/;
const silent = /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/;

/** Says what went wrong. `now` is the time that a `retry-after` date is counted from. */
export function explainError(error: unknown, who: ModelIdentity, now: number): ModelFailure {
  const other = notAStreamIn(error);
  if (other !== undefined && other.data === undefined) return noStream(other, who);
  if (error instanceof SetupError) {
    const errorName = error.isAboutCredentials ? "ProviderAuth" : "ProviderError";
    return failure(errorName, who, error.what, error.advice);
  }
  const fault = proxyFaultIn(error);
  if (fault !== undefined) return explainProxy(fault, who);
  const facts = factsOf(other?.data ?? error);
  const overflow = overflowIn(facts);
  switch (facts.kind) {
    case "http":
      return explainStatus(facts.status ?? 0, facts, who, now);
    case "network":
      return explainNetwork(facts, who);
    case "garbled":
      return failure(
        "ProviderError",
        who,
        `sent an answer that makes no sense${said(facts, who)}`,
        "",
        { attempts: garbledAttempts },
      );
    case "other":
      if (overflow !== undefined) return explainOverflow(overflow, `said${said(facts, who)}`, who);
      return explainOther(error, facts, who);
  }
}

function notAStreamIn(error: unknown): NotAStreamError | undefined {
  let current = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    if (current instanceof NotAStreamError) return current;
    current = current.cause;
  }
  return undefined;
}

/** The address answers, but it is no model server. */
function noStream({ came }: NotAStreamError, who: ModelIdentity): ModelFailure {
  const what = `sent ${came} where a model's reply should be (status 200${at(who)})`;
  return failure("ProviderError", who, what, "Check the provider's baseUrl and type.", {
    attempts: garbledAttempts,
  });
}

function explainOverflow(
  { contextWindow }: Overflow,
  told: string,
  who: ModelIdentity,
): ModelFailure {
  const what = `says that the conversation is too long: it ${told}`;
  const advice = "Summarise the session, or start a new one.";
  const explained = failure("ContextOverflow", who, what, advice);
  return contextWindow === undefined ? explained : { ...explained, contextWindow };
}

/** The fault is ours or a package's: the text of a program's error alone would not help anybody. */
function explainOther(error: unknown, facts: ErrorFacts, who: ModelIdentity): ModelFailure {
  const isSlip =
    error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  if (!isSlip) return failure("ProviderError", who, `failed${said(facts, who)}`, "");
  return failure(
    "ProviderError",
    who,
    `sent something that could not be read as the answer of a model${said(facts, who)}`,
    `Check that the provider's type fits what is at its baseUrl${at(who)}.`,
    { attempts: garbledAttempts },
  );
}

function overflowIn(facts: ErrorFacts): Overflow | undefined {
  const named = facts.layers.map(({ n_ctx }) => n_ctx).find((tokens) => typeof tokens === "number");
  return overflowOf(facts.codes, facts.words, typeof named === "number" ? named : undefined);
}

/** The failure when a model sent nothing for too long. */
export function explainSilence(who: ModelIdentity, seconds: number): ModelFailure {
  return failure(
    "ProviderTimeout",
    who,
    `sent nothing for ${seconds} seconds (model "${who.modelId}")`,
    "Try again, or raise limits.providerIdleSeconds.",
  );
}

/** The failure when a reply ended before the model had finished. */
export function explainCut(who: ModelIdentity): ModelFailure {
  return failure(
    "ProviderUnreachable",
    who,
    `broke off before its reply was complete (model "${who.modelId}"${at(who)})`,
    "Check the connection and try again.",
    { attempts: usualAttempts },
  );
}

function explainStatus(
  status: number,
  facts: ErrorFacts,
  who: ModelIdentity,
  now: number,
): ModelFailure {
  const explained = explainRefusal(status, facts, who, now);
  const isForImage =
    isImageStatus.test(String(status)) && aboutImages.test(facts.words.slice(0, 4000));
  return isForImage ? { ...explained, isForImage } : explained;
}

function explainRefusal(
  status: number,
  facts: ErrorFacts,
  who: ModelIdentity,
  now: number,
): ModelFailure {
  const answered = `answered ${status}${said(facts, who)}`;
  if (status === 401 || status === 403) {
    return failure("ProviderAuth", who, `refused the request: it ${answered}`, keyAdvice(who));
  }
  const overflow = status === 429 ? undefined : overflowIn(facts);
  if (overflow !== undefined || status === 413)
    return explainOverflow(overflow ?? {}, answered, who);
  if (status === 402) {
    return failure("ProviderError", who, `wants to be paid: it ${answered}`, billingAdvice);
  }
  const setting = switchFor(status, facts.words, who.switchable);
  if (setting !== undefined) {
    return failure("ProviderError", who, answered, switchAdvice(setting, who));
  }
  if (status === 404) {
    return failure(
      "ProviderError",
      who,
      `does not know the model "${who.modelId}"${at(who)}: it ${answered}`,
      "Check the model's id and the provider's baseUrl.",
    );
  }
  if (status === 429) return explainRateLimit(answered, facts, who, now);
  if (status === 408 || status >= 500) {
    const retry = hint(facts, now);
    return failure("ProviderOverloaded", who, `has trouble: it ${answered}`, wait(retry), retry);
  }
  return failure("ProviderError", who, answered, "");
}

function explainRateLimit(
  answered: string,
  facts: ErrorFacts,
  who: ModelIdentity,
  now: number,
): ModelFailure {
  const what = `limits the rate of requests: it ${answered}`;
  const retry = hint(facts, now);
  if (isQuotaUsedUp(facts, retry.afterMs)) {
    const used = `has no quota left for this key: it ${answered}`;
    return failure("RateLimited", who, used, `Trying again soon is of no use. ${billingAdvice}`);
  }
  return failure("RateLimited", who, what, wait(retry), retry);
}

function explainProxy(fault: ProxyFault, who: ModelIdentity): ModelFailure {
  const mayPass = fault.kind === "unreachable" || fault.kind === "farSide";
  return failure(
    "ProviderUnreachable",
    who,
    `could not be reached${at(who)}: ${fault.what}`,
    `${fault.advice}.`,
    mayPass ? { attempts: refusedAttempts } : undefined,
  );
}

function explainNetwork(facts: ErrorFacts, who: ModelIdentity): ModelFailure {
  const code = facts.networkCode ?? "";
  const where = who.baseUrl === undefined ? "" : ` at ${shownUrl(who.baseUrl)}`;
  if (silent.test(code)) {
    const advice = "The connection gave up waiting for it; try again.";
    return failure("ProviderTimeout", who, `sent nothing for too long${where} (${code})`, advice);
  }
  if (untrusted.test(code)) {
    const advice = "Check its certificate and baseUrl.";
    return failure("ProviderUnreachable", who, `could not be trusted${where} (${code})`, advice);
  }
  if (refused.test(code)) {
    const advice = "Check that it runs and that its baseUrl is right.";
    return failure("ProviderUnreachable", who, `could not be reached${where} (${code})`, advice, {
      attempts: refusedAttempts,
    });
  }
  if (code === "") return explainCut(who);
  return failure(
    "ProviderUnreachable",
    who,
    `broke the connection${where} (${code})`,
    "Check the connection and try again.",
    { attempts: usualAttempts },
  );
}

function failure(
  errorName: ModelFailure["errorName"],
  who: ModelIdentity,
  what: string,
  advice: string,
  retry?: RetryHint,
): ModelFailure {
  const sentence = `The provider "${who.providerId}" ${what}.${advice && ` ${advice}`}`;
  return {
    errorName,
    message: redact(sentence, who.secrets ?? []),
    cause: "provider",
    ...defined({ retry }),
  };
}

function hint(facts: ErrorFacts, now: number): RetryHint {
  const afterMs = askedWait(facts, now);
  return { attempts: usualAttempts, ...defined({ afterMs }) };
}

function wait({ afterMs }: RetryHint): string {
  if (afterMs === undefined || afterMs <= longestAskedWaitMs) return "Try again later.";
  return `It asks to wait ${Math.ceil(afterMs / 1000)} seconds before trying again.`;
}

import { describe, expect, it } from "vitest";
import { readSettings } from "../../src/telemetry/settings.js";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" };

describe("the variables", () => {
  it("name where each signal goes, with what and how long", () => {
    const { traces, metrics, warnings } = readSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://c.example/otlp/",
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://m:1/here",
      OTEL_EXPORTER_OTLP_HEADERS: "a=1, b = two%20words ,",
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: "b=3",
      OTEL_EXPORTER_OTLP_TIMEOUT: "500",
      OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: "gzip",
    });
    expect(warnings).toEqual([]);
    expect(traces).toEqual({
      url: "https://c.example/otlp/v1/traces",
      headers: { a: "1", b: "two words" },
      timeoutMs: 500,
      isCompressed: false,
    });
    expect(metrics).toEqual({
      url: "http://m:1/here",
      headers: { a: "1", b: "3" },
      timeoutMs: 500,
      isCompressed: true,
    });
  });

  it("can leave a signal out", () => {
    const { traces, metrics } = readSettings({ ...endpoint, OTEL_TRACES_EXPORTER: "none" });
    expect(traces).toBeUndefined();
    expect(metrics?.url).toBe("http://c:4318/v1/metrics");
    const own = readSettings({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://t/x" });
    expect(own.metrics).toBeUndefined();
  });

  it("send to a collector of this machine where an exporter is asked for and no place is named", () => {
    const { traces, metrics } = readSettings({ OTEL_TRACES_EXPORTER: "otlp" });
    expect(traces?.url).toBe("http://localhost:4318/v1/traces");
    expect(metrics).toBeUndefined();
    const wrong = readSettings({ OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_ENDPOINT: "?" });
    expect(wrong.traces).toBeUndefined();
  });

  it("may name several exporters: the one that is known gets the spans, and the others are told of", () => {
    const { traces, warnings } = readSettings({
      ...endpoint,
      OTEL_TRACES_EXPORTER: "otlp, zipkin",
    });
    expect(traces?.url).toBe("http://c:4318/v1/traces");
    expect(warnings).toEqual([expect.stringContaining('"zipkin"')]);
  });

  it("put the path of a signal before the query of an address", () => {
    const { traces } = readSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c/x?tenant=1" });
    expect(traces?.url).toBe("http://c/x/v1/traces?tenant=1");
  });

  it("that ask for what is not spoken are told of", () => {
    const protobuf = readSettings({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" });
    expect(protobuf.traces).toBeDefined();
    expect(protobuf.warnings[0]).toContain("http/json");
    const grpc = readSettings({ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "grpc" });
    expect(grpc.traces).toBeUndefined();
    expect(grpc.metrics).toBeDefined();
    expect(grpc.warnings[0]).toContain("4318");
    expect(readSettings({ ...endpoint, OTEL_TRACES_EXPORTER: "console" }).warnings).toHaveLength(1);
  });

  it("that are wrong count as not set, and no value of a header or password is told", () => {
    const { traces, metrics, warnings, resource, batch } = readSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:sesame1@c",
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://m/",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=%E0sesame2",
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: "bad name=sesame3",
      OTEL_RESOURCE_ATTRIBUTES: "a=1,b",
      OTEL_BSP_MAX_QUEUE_SIZE: "-3",
      OTEL_TRACES_SAMPLER: "sometimes",
      OTEL_EXPORTER_OTLP_TIMEOUT: "soon",
    });
    expect(traces).toBeUndefined();
    expect(metrics).toMatchObject({ headers: {}, timeoutMs: 10_000 });
    expect(resource).toEqual({ "service.name": "turnwire" });
    expect(batch.mostSpans).toBe(2048);
    expect(warnings.length).toBeGreaterThanOrEqual(6);
    expect(warnings.join(" ")).not.toContain("sesame");
  });

  it("choose what is sampled, and whether contents are told", () => {
    const sampler = (name: string, argument = "1") =>
      readSettings({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument }).sampler;
    const low = `${"f".repeat(18)}00000000000001`;
    const high = `${"0".repeat(18)}ffffffffffffff`;
    expect(sampler("always_off").takes(low, true)).toBe(false);
    expect(sampler("always_on").takes(low, false)).toBe(true);
    expect(sampler("parentbased_always_off").takes(low, true)).toBe(true);
    expect(sampler("parentbased_always_off").takes(low, undefined)).toBe(false);
    expect(sampler("traceidratio", "0.5").takes(low, undefined)).toBe(true);
    expect(sampler("traceidratio", "0.5").takes(high, undefined)).toBe(false);
    expect(sampler("traceidratio", "0").takes(low, true)).toBe(false);
    expect(sampler("parentbased_traceidratio", "0").takes(high, true)).toBe(true);
    expect(sampler("parentbased_traceidratio", "0").takes(low, undefined)).toBe(false);
    const contents = (value: string) =>
      readSettings({ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: value }).hasContents;
    expect(["true", "TRUE", "1", "yes", ""].map(contents)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

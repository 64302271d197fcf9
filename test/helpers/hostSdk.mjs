// Registers OpenTelemetry's own SDK in a process, as `node --import` does for whoever runs it with
// automatic instrumentation. What it exports goes, a line each, to the file of HOST_SDK_FILE.
import { appendFileSync } from "node:fs";
import { metrics } from "@opentelemetry/api";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const write = (line) => appendFileSync(process.env.HOST_SDK_FILE, `${JSON.stringify(line)}\n`);
const done = { code: 0 };

const spans = {
  export(ended, callback) {
    for (const span of ended) {
      const { name, kind, attributes, links, status, parentSpanContext } = span;
      const { traceId, spanId } = span.spanContext();
      const head = { name, kind, traceId, spanId, parentSpanId: parentSpanContext?.spanId };
      const linked = links.map(({ context }) => context.spanId);
      write({ ...head, attributes, status, links: linked, scope: span.instrumentationScope });
    }
    callback(done);
  },
  shutdown: async () => {},
};
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
provider.register();

const exporter = {
  export({ scopeMetrics }, callback) {
    for (const { metrics: all } of scopeMetrics) {
      for (const { descriptor, dataPoints } of all) {
        write({ metric: descriptor.name, unit: descriptor.unit, points: dataPoints.length });
      }
    }
    callback(done);
  },
  forceFlush: async () => {},
  shutdown: async () => {},
  selectAggregationTemporality: () => 1,
};
const reader = new PeriodicExportingMetricReader({
  exporter,
  exportIntervalMillis: 50,
  exportTimeoutMillis: 40,
});
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

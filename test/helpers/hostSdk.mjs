// Registers OpenTelemetry's own SDK in a process, as `node --import` does for whoever runs it with
// automatic instrumentation. What it exports goes, a line each, to the file of HOST_SDK_FILE.
import { appendFileSync } from "node:fs";
import { metrics } from "@opentelemetry/api";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

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
// As hosts have it: what waits is lost if nobody asks for it before the end.
const processor = new BatchSpanProcessor(spans, { scheduledDelayMillis: 3_600_000 });
const provider = new NodeTracerProvider({ spanProcessors: [processor] });
provider.register();

const exporter = {
  export({ scopeMetrics }, callback) {
    for (const { metrics: all } of scopeMetrics) {
      for (const { descriptor, dataPoints } of all) {
        const points = dataPoints.map(({ attributes, value }) => ({ attributes, value }));
        write({ metric: descriptor.name, unit: descriptor.unit, points });
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

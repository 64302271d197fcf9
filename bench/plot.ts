// Draws a plot as SVG: points, lines, two axes. Logarithmic where the values span more than a
// hundredfold.
import type { Plot } from "./measure.js";

const width = 640;
const height = 360;
const margin = { left: 64, right: 120, top: 36, bottom: 48 };
const colours = ["#888888", "#1f6feb", "#c2410c", "#15803d"];

interface Axis {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** The plot as an SVG document. */
export function drawPlot(plot: Plot): string {
  const points = plot.series.flatMap((series) => series.points);
  const x = axis(
    points.map(([value]) => value),
    [margin.left, width - margin.right],
  );
  const y = axis(
    points.map(([, value]) => value),
    [height - margin.bottom, margin.top],
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(plot.title)}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(margin.left, 20, plot.title, 'font-weight="bold"'),
    ...x.ticks.map((tick) => verticalTick(x.at(tick), tick)),
    ...y.ticks.map((tick) => horizontalTick(y.at(tick), tick)),
    text((margin.left + width - margin.right) / 2, height - 8, plot.xLabel, 'text-anchor="middle"'),
    text(8, margin.top - 10, plot.yLabel),
    ...plot.series.flatMap((series, index) => {
      const colour = colours[index % colours.length] ?? "black";
      const places = series.points.map(([a, b]) => [x.at(a), y.at(b)] as const);
      const path = places
        .map((place) => place.map((value) => value.toFixed(1)).join(","))
        .join(" ");
      const [lastX, lastY] = places.at(-1) ?? [0, 0];
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...places.map(
          ([a, b]) => `<circle cx="${a.toFixed(1)}" cy="${b.toFixed(1)}" r="3" fill="${colour}"/>`,
        ),
        text(lastX + 8, lastY + 4, series.name, `fill="${colour}"`),
      ];
    }),
    "</svg>",
    "",
  ].join("\n");
}

function axis(values: readonly number[], [from, to]: readonly [number, number]): Axis {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const isLogarithmic = least > 0 && most / least > 100;
  const scale = isLogarithmic ? Math.log10 : (value: number) => value;
  const low = isLogarithmic ? Math.floor(Math.log10(least)) : 0;
  const high = isLogarithmic ? Math.ceil(Math.log10(most)) : niceAbove(most);
  const ticks = isLogarithmic
    ? Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
    : Array.from({ length: 5 }, (_, index) => (high * index) / 4);
  return { ticks, at: (value) => from + ((scale(value) - low) / (high - low || 1)) * (to - from) };
}

/** The next round number. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

function verticalTick(x: number, value: number): string {
  const bottom = height - margin.bottom;
  return `<line x1="${x}" y1="${margin.top}" x2="${x}" y2="${bottom}" stroke="#eeeeee"/>${text(x, bottom + 16, label(value), 'text-anchor="middle"')}`;
}

function horizontalTick(y: number, value: number): string {
  return `<line x1="${margin.left}" y1="${y}" x2="${width - margin.right}" y2="${y}" stroke="#dddddd"/>${text(margin.left - 6, y + 4, label(value), 'text-anchor="end"')}`;
}

function label(value: number): string {
  return value >= 1
    ? Number(value.toPrecision(3)).toLocaleString("en")
    : String(Number(value.toPrecision(2)));
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

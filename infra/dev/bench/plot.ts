import { spread } from './statistics.js';

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const width = 760;
const height = 320;
const margin = { left: 70, right: 20, top: 40, bottom: 70 };
const colours = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#8c564b'];
const gridLines = 5;

/** Draws a line chart as an SVG document. Both axes start at zero. */
export function lineChart(title: string, xLabel: string, yLabel: string, series: readonly Series[]): string {
  const points = series.flatMap((each) => each.points);
  const xMax = axisEnd(points.map(({ x }) => x));
  const yMax = axisEnd(points.map(({ y }) => y));
  const right = width - margin.right;
  const bottom = height - margin.bottom;
  const toX = (x: number): number => margin.left + (x / xMax) * (right - margin.left);
  const toY = (y: number): number => bottom - (y / yMax) * (bottom - margin.top);
  const steps = Array.from({ length: gridLines + 1 }, (_, step) => step / gridLines);
  const grid = steps.flatMap((share) => [
    `<line x1="${margin.left}" y1="${toY(share * yMax)}" x2="${right}" y2="${toY(share * yMax)}" stroke="#ddd"/>`,
    text(margin.left - 8, toY(share * yMax) + 4, 'end', numberOf(share * yMax)),
    text(toX(share * xMax), bottom + 18, 'middle', numberOf(share * xMax)),
  ]);
  const lines = series.flatMap(({ name, points: line }, index) => {
    const colour = colours[index % colours.length] ?? 'black';
    const path = line.map(({ x, y }) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(' ');
    const at = margin.left + index * 170;
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
      `<rect x="${at}" y="${height - 20}" width="12" height="4" fill="${colour}"/>`,
      text(at + 18, height - 14, 'start', name),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${margin.left}" y="22" font-size="15">${escape(title)}</text>`,
    ...grid,
    text((margin.left + right) / 2, bottom + 38, 'middle', xLabel),
    `<text transform="translate(16 ${(margin.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, anchor: 'start' | 'middle' | 'end', content: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The smallest 1, 2 or 5 times a power of ten that no value exceeds, so that the grid has readable numbers. */
function axisEnd(values: readonly number[]): number {
  const value = Math.max(1e-9, spread([0, ...values]).max);
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

function numberOf(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}

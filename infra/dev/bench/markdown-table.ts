import { median, spread } from './statistics.js';

/** Renders a table that reads well as plain text and as Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** The median and the range of the values, e.g. `20 1/s (10 to 30)`; empty if there are none. */
export function medianAndRange(all: readonly number[], unit: string): string {
  return all.length === 0 ? '' : `${figure(median(all))} ${unit} (${rangeOf(all)})`;
}

export function rangeOf(values: readonly number[]): string {
  const { min, max } = spread(values);
  return `${figure(min)} to ${figure(max)}`;
}

/** Rounds to three digits, which is more than a measurement on a shared machine supports. */
export function figure(value: number): string {
  return value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

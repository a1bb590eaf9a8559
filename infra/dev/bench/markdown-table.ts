import { median, spread } from './statistics.js';

/** A table that reads well as text and as Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** The median of the values with their spread; empty of none. */
export function medianAndRange(all: readonly number[], unit: string): string {
  return all.length === 0 ? '' : `${figure(median(all))} ${unit} (${rangeOf(all)})`;
}

export function rangeOf(values: readonly number[]): string {
  const { min, max } = spread(values);
  return `${figure(min)} to ${figure(max)}`;
}

/** Three digits, which is more than a measurement on a shared machine is good for. */
export function figure(value: number): string {
  return value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

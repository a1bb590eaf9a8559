import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { printable } from '../../runtime/printable.js';

const rotateBytes = 20 * 1024 * 1024;
const maxShownLength = 2000;

/**
 * Appends lines to a file, keeps the last few in memory, and passes each on. A file over 20 MB is first renamed to
 * `<file>.1`.
 */
export class LineLog {
  readonly #file: string;
  readonly #keep: number;
  readonly #onLine: ((line: string) => void) | undefined;
  #recent: string[] = [];

  constructor(file: string, keep: number, onLine?: (line: string) => void) {
    this.#file = file;
    this.#keep = keep;
    this.#onLine = onLine;
    if (existsSync(file) && statSync(file).size > rotateBytes) renameSync(file, `${file}.1`);
  }

  write(line: string): void {
    // Synchronous, so that the lines before a crash of this process are on disk. Local servers log little.
    appendFileSync(this.#file, `${line}\n`);
  }

  follow(stream: Readable | null): void {
    if (stream === null) return;
    const lines = createInterface({ input: stream, crlfDelay: Infinity });
    lines.on('line', (line) => {
      this.#recent = [...this.#recent.slice(1 - this.#keep), line];
      this.write(line);
      this.#onLine?.(line);
    });
    lines.on('error', (error: Error) => this.write(`--- reading its output failed: ${error.message}`));
  }

  /** The last lines, if there were any, indented and safe for a terminal, followed by the path of the whole log. */
  lastLines(): string {
    const rest = `\n  (full log: ${this.#file})`;
    return this.#recent.length === 0
      ? rest
      : `; its last lines:${this.#recent.map((line) => `\n  | ${printable(line, maxShownLength)}`).join('')}${rest}`;
  }
}

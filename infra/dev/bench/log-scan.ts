import { closeSync, openSync, readSync, truncateSync } from 'node:fs';

const pieceBytes = 4 * 2 ** 20;
const maxFound = 100;

/**
 * Returns the lines of a log file that match, at most 100, and empties the file. It reads in pieces, since a long run
 * writes gigabytes, more than a string can hold. The writer must have opened the file for appending.
 */
export function takeLines(file: string, pattern: RegExp): string[] {
  const found: string[] = [];
  const piece = Buffer.alloc(pieceBytes);
  const descriptor = openSync(file, 'r');
  let rest = '';
  try {
    for (let read = readSync(descriptor, piece); read > 0; read = readSync(descriptor, piece)) {
      const lines = (rest + piece.toString('latin1', 0, read)).split('\n');
      rest = lines.pop() ?? '';
      found.push(...lines.filter((line) => pattern.test(line)).slice(0, maxFound - found.length));
    }
    truncateSync(file);
  } finally {
    closeSync(descriptor);
  }
  if (pattern.test(rest) && found.length < maxFound) found.push(rest);
  return found;
}

import type { Print } from '../processes/server-directory.js';

/** Prints each line with the seconds that have passed since this was called. */
export function timedPrint(): Print {
  const began = Date.now();
  return (line) => console.log(`[${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s] ${line}`);
}

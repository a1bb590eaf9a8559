import type { Print } from '../processes/server-directory.js';

/** Returns a function that prints each line with the seconds that have passed since this call. */
export function timedPrint(): Print {
  const began = Date.now();
  return (line) => console.log(`[${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s] ${line}`);
}

import type { z } from 'zod';
import type { ValidationError } from './problem.js';

const maxErrors = 20;
/** A key can be as long as a body. With 20 of these and their details an answer stays below 8 KiB, however they are escaped. */
const maxKeyLength = 40;

/**
 * The first 20 validation errors of a body, each under the JSON pointer of the value it is about, and an entry that says
 * how many more there are. A long key is cut in its pointer.
 */
export function validationErrorsOf(error: z.ZodError): ValidationError[] {
  const errors: ValidationError[] = [];
  let more = 0;
  for (const { pointer, detail } of error.issues.flatMap(placesOf)) {
    if (errors.length < maxErrors) errors.push({ pointer: pointerTo(pointer), detail });
    else more += 1;
  }
  if (more > 0) errors.push({ pointer: '', detail: `and ${more} more` });
  return errors;
}

function placesOf(issue: z.core.$ZodIssue): { pointer: readonly PropertyKey[]; detail: string }[] {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: issue.path, detail: issue.message }];
  return issue.keys.map((key) => ({ pointer: [...issue.path, key], detail: 'is not a known field' }));
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${cut(String(part)).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function cut(key: string): string {
  if (key.length <= maxKeyLength) return key;
  return `${Array.from(key.slice(0, 2 * maxKeyLength))
    .slice(0, maxKeyLength)
    .join('')}…`;
}

import type { z } from 'zod';
import type { ValidationError } from './problem.js';

const maxErrors = 20;
/** A key can be as long as a body. With 20 keys of this length an answer stays below 8 KiB, in any escaping. */
const maxKeyLength = 40;

/**
 * Returns the first 20 validation errors of a body, each with the JSON pointer of the value it is about, and then an
 * entry that says how many more there are. A key of over 40 characters is cut in its pointer.
 */
export function validationErrorsOf(error: z.ZodError): ValidationError[] {
  const errors: ValidationError[] = [];
  let more = 0;
  for (const { pointer, detail } of error.issues.flatMap(locate)) {
    if (errors.length < maxErrors) errors.push({ pointer: pointerTo(pointer), detail });
    else more += 1;
  }
  if (more > 0) errors.push({ pointer: '', detail: `and ${more} more` });
  return errors;
}

function locate(issue: z.core.$ZodIssue): { pointer: readonly PropertyKey[]; detail: string }[] {
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

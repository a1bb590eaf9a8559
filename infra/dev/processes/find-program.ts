import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Finds the first executable of that name in PATH, then in `otherDirectories`; undefined if there is none. */
export function findProgram(
  name: string,
  environment: NodeJS.ProcessEnv,
  otherDirectories: readonly string[] = [],
): string | undefined {
  const directories = [...(environment['PATH'] ?? '').split(delimiter).filter(Boolean), ...otherDirectories];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Lists `parent/<name>/bin` for each folder in `parent`, the highest version first, as distributions install them. */
export function versionedBins(parent: string): string[] {
  try {
    const names = readdirSync(parent).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
    return names.map((name) => join(parent, name, 'bin'));
  } catch {
    return [];
  }
}

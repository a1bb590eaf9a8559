import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressVariables, hasAddresses, type AddressVariable } from '../../operations/addresses.js';
import { CliError } from '../../runtime/cli-error.js';
import { devDirectory } from '../processes/server-directory.js';

type KnownAddresses = Record<AddressVariable, string> & { readonly TEMPORAL_UI_URL?: string };

const addressFile = join(devDirectory, 'run', 'addresses.json');

/** Records where `npm start` runs its servers. Only its user can read the file, since addresses contain passwords. */
export function recordAddresses(addresses: KnownAddresses): void {
  writeFileSync(addressFile, JSON.stringify(addresses), { mode: 0o600 });
}

export function forgetAddresses(): void {
  rmSync(addressFile, { force: true });
}

/**
 * Returns the environment with the addresses of the system that `npm start` runs here, unless it already has addresses.
 * @throws CliError if it has none and no system is running here
 */
export function withLocalAddresses(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (hasAddresses(env)) return env;
  if (existsSync(addressFile)) return { ...env, ...(JSON.parse(readFileSync(addressFile, 'utf8')) as KnownAddresses) };
  throw new CliError(
    `No system is running here. Start one with "npm start", or set ${addressVariables.join(', ')} to use another one.`,
  );
}

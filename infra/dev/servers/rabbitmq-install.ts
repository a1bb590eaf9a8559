import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installDebianPackages } from './debian-packages.js';
import { CliError } from '../../runtime/cli-error.js';
import { findProgram, versionedBins } from '../processes/find-program.js';
import type { Print } from '../processes/server-directory.js';

const debianBin = '/usr/lib/rabbitmq/bin';

export interface RabbitmqPrograms {
  server: string;
  epmd: string;
}

/**
 * Finds the RabbitMQ that is installed on this machine, or installs Debian's or Ubuntu's package now, without starting
 * its system service.
 * @throws CliError that names each way to provide RabbitMQ
 */
export async function provideRabbitmq(environment: NodeJS.ProcessEnv, print: Print): Promise<RabbitmqPrograms> {
  const found = findRabbitmq(environment);
  if (found !== undefined) return found;
  if (await installDebianPackages(['rabbitmq-server'], 'RabbitMQ', environment, print)) {
    const installed = findRabbitmq(environment);
    if (installed !== undefined) return installed;
  }
  throw new CliError(
    'No RabbitMQ was found, and it cannot be installed automatically here. Do one of the following:\n' +
      '  - install it: "apt-get install rabbitmq-server", "brew install rabbitmq", or your system\'s way\n' +
      '  - set the address of a running server, e.g. APP__RABBITMQ_URL=amqp://guest:guest@127.0.0.1:5672',
  );
}

function findRabbitmq(environment: NodeJS.ProcessEnv): RabbitmqPrograms | undefined {
  // Debian's script in PATH switches to the user "rabbitmq"; the real script runs as the calling user.
  const real = findProgram('rabbitmq-server', { PATH: debianBin });
  const server = real ?? findProgram('rabbitmq-server', environment, ['/opt/homebrew/sbin', '/usr/local/sbin']);
  const erl = findProgram('erl', environment, ['/opt/homebrew/bin', '/usr/local/bin']);
  if (server === undefined || erl === undefined) return undefined;
  const erlangBin = dirname(realpathSync(erl));
  const beside = [erlangBin, ...versionedBins(join(erlangBin, '..')).filter((path) => path.includes('/erts-'))];
  const epmd = findProgram('epmd', environment, beside);
  return epmd === undefined ? undefined : { server, epmd };
}

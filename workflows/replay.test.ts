import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker, type ReplayResult } from '@temporalio/worker';

const directory = fileURLToPath(new URL('./histories', import.meta.url));
const savedHistories = readdirSync(directory).filter((file) => file.endsWith('.json'));

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** Replays every saved history with the workflow code at `workflowsPath`. */
async function replayAll(workflowsPath: string): Promise<ReplayResult[]> {
  const histories = savedHistories.map((file) => ({
    workflowId: file,
    history: JSON.parse(readFileSync(`${directory}/${file}`, 'utf8')) as object,
  }));
  const results: ReplayResult[] = [];
  for await (const result of Worker.runReplayHistories({ workflowsPath }, histories)) results.push(result);
  return results;
}

describe('the histories of released workflow code', () => {
  it('are saved in at least nine files', () => {
    assert.ok(savedHistories.length >= 9);
  });

  it('replay with the current code, so that orders in progress survive a deployment', async () => {
    const failed = (await replayAll(pathOf('./order-lifecycle.ts'))).filter((result) => result.error);
    assert.deepEqual(failed, []);
  });

  it('replay with a change that is guarded by `patched` and applies to new runs only', async () => {
    const results = await replayAll(pathOf('./histories/patched-order-lifecycle.ts'));
    assert.deepEqual(
      results.filter((result) => result.error),
      [],
    );
  });

  it('do not replay with an incompatible change, which shows that the tests above can fail', async () => {
    const results = await replayAll(pathOf('./histories/incompatible-order-lifecycle.ts'));
    assert.equal(results.length, savedHistories.length);
    for (const { workflowId, error } of results) assert.ok(error instanceof DeterminismViolationError, workflowId);
  });
});

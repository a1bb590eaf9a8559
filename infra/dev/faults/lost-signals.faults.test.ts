import { setTimeout as sleep } from 'node:timers/promises';
import { FaultRun } from './fault-run.js';
import { fault } from './selection.js';

/** With every signal lost, for a while. */
const lostMs = { quick: 5000, full: 300_000 };
/** An order that takes this long is not settled within its workflow's first task, so its workflow would be told by signals. */
const slowProcessing = { APP__PROCESSING_DELAY_MS: '3500-4500' };
/** A workflow that was told nothing looks for itself after 5 s here, then after 10 s. */
const settleLimitMs = 60_000;

describe('signals that are lost', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start();
  });
  after(() => run.stop());

  for (const [kind, ms] of Object.entries(lostMs)) {
    fault(`all of them for ${ms / 1000} s, lose no order`, { quick: kind === 'quick', limitMs: 600_000 }, async () => {
      for (const service of ['order-api', 'processor'] as const) {
        await run.serviceOf(service).stop();
        const slow = service === 'processor' ? slowProcessing : {};
        await run.startService(service, { APP__FAILPOINT: 'signal.before:error', ...slow });
      }
      await run.survives({ what: `every signal lost for ${ms / 1000} s`, settleLimitMs, inject: () => sleep(ms) });
    });
  }
});

import { noCounts, type Counts } from './counts.js';
import { runTool } from '../processes/run-tool.js';

const checks: readonly (readonly [tool: string, ...args: string[]])[] = [
  ['tsc', '--noEmit'],
  ['eslint', '.'],
  ['prettier', '--check', '.'],
  ['depcruise', 'order-api', 'processor', 'workflows', 'infra'],
  ['knip'],
  [
    'remark',
    '--frail',
    '--quiet',
    '--use',
    'remark-validate-links=repository:false',
    '--ignore-path',
    '.gitignore',
    '.',
  ],
  ['tsx', 'infra/dev/commands/schema.ts', '--check'],
];

/** Runs every static check, even after one has failed, and names those that failed. Each check counts as one. */
export async function runStaticChecks(stop: AbortSignal): Promise<Counts> {
  const failures: string[] = [];
  for (const [tool, ...args] of checks) {
    if (stop.aborted) break;
    const command = [tool, ...args].join(' ');
    console.log(`--- ${command}`);
    const exitCode = await runTool(tool, args, { stop });
    if (exitCode !== 0) failures.push(command);
  }
  for (const command of failures) console.log(`failed: ${command}`);
  return { ...noCounts, passed: checks.length - failures.length, failed: failures.length, failures };
}

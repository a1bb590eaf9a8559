import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import coverage, { type CoverageMapData } from 'istanbul-lib-coverage';
import report from 'istanbul-lib-report';
import reports from 'istanbul-reports';

const directory = fileURLToPath(new URL('../../coverage/workflows', import.meta.url));

/** Prints the coverage of workflow code, as collected by the workflow tests of this run; nothing if there was none. */
export function reportWorkflowCoverage(): void {
  const file = `${directory}/coverage-final.json`;
  if (!existsSync(file)) return;
  const coverageMap = coverage.createCoverageMap(JSON.parse(readFileSync(file, 'utf8')) as CoverageMapData);
  reports.create('text').execute(report.createContext({ dir: directory, coverageMap }));
}

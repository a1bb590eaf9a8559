import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import coverage, { type CoverageMapData } from 'istanbul-lib-coverage';
import libraryReport from 'istanbul-lib-report';
import sourceMaps from 'istanbul-lib-source-maps';
import reports from 'istanbul-reports';

const directory = fileURLToPath(new URL('../../../coverage/workflows', import.meta.url));

/** Prints the coverage of workflow code, as collected by the workflow tests of this run; nothing if there was none. */
export async function reportWorkflowCoverage(): Promise<void> {
  const file = `${directory}/coverage-final.json`;
  if (!existsSync(file)) return;
  const collected = coverage.createCoverageMap(JSON.parse(readFileSync(file, 'utf8')) as CoverageMapData);
  // What was counted is the bundle's JavaScript; this leads back to the lines that people wrote.
  const coverageMap = await sourceMaps.createSourceMapStore().transformCoverage(collected);
  reports.create('text').execute(libraryReport.createContext({ dir: directory, coverageMap }));
  rmSync(file); // a later run without workflow tests must not show it again
}

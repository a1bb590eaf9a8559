import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import coverage, { type CoverageMapData } from 'istanbul-lib-coverage';
import libraryReport from 'istanbul-lib-report';
import sourceMaps from 'istanbul-lib-source-maps';
import reports from 'istanbul-reports';

const directory = fileURLToPath(new URL('../../../coverage/workflows', import.meta.url));

/** Prints the coverage of workflow code that the tests of this run collected. Prints nothing if there is none. */
export async function reportWorkflowCoverage(): Promise<void> {
  const file = `${directory}/coverage-final.json`;
  if (!existsSync(file)) return;
  const collected = coverage.createCoverageMap(JSON.parse(readFileSync(file, 'utf8')) as CoverageMapData);
  // The coverage is that of the bundle's JavaScript; the source maps lead back to the original lines.
  const coverageMap = await sourceMaps.createSourceMapStore().transformCoverage(collected);
  reports.create('text').execute(libraryReport.createContext({ dir: directory, coverageMap }));
  rmSync(file); // Otherwise a later run without workflow tests would show it again.
}

/** In default mode orders that arrive together share a workflow. In strict mode each order always has its own. */
export const modes = {
  'default mode': {},
  'strict mode': { APP__ORDERS_PER_WORKFLOW: '1' },
};

/** Runs the same tests in default mode and in strict mode. Each test may take 3 minutes. */
export function inBothModes(title: string, tests: (mode: Record<string, string>) => void): void {
  for (const [name, mode] of Object.entries(modes)) {
    describe(`in ${name}, ${title}`, function () {
      this.timeout(180_000);
      tests(mode);
    });
  }
}

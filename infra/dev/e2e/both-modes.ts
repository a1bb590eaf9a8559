/** Orders that come together share a workflow; or, strict, each has its own, always. */
export const modes = {
  'default mode': {},
  'strict mode': { APP__ORDERS_PER_WORKFLOW: '1' },
};

/** The same promises, tested once for each way in which orders get their workflows. Tests may take 3 minutes. */
export function inBothModes(title: string, tests: (mode: Record<string, string>) => void): void {
  for (const [name, mode] of Object.entries(modes)) {
    describe(`${title} (${name})`, function () {
      this.timeout(180_000);
      tests(mode);
    });
  }
}

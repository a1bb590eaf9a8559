/** A workflow of the same name whose every task fails: an error that is no failure of the workflow's own. */
export async function orderLifecycle(): Promise<void> {
  throw new TypeError('Cannot read properties of null');
}

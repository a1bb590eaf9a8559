/** A workflow of the same name whose every task fails, since this error fails the task and not the workflow. */
export async function orderLifecycle(): Promise<void> {
  throw new TypeError('Cannot read properties of null');
}

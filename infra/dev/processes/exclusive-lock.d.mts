export interface LockHolder {
  pid: number;
  identity: string;
}
export function processIdentity(pid: number): string | undefined;
export function isAlive(holder: LockHolder | undefined): boolean;
export function acquireLock(
  file: string,
  options?: { waitMs?: number; onWait?: (pid: number | undefined) => void },
): Promise<() => void>;

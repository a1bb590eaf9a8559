import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A reference in a process of its own, so that it competes with the servers as our services do. */
export interface ReferenceProcess {
  /** One run. @throws Error with what the reference threw */
  run<Result>(durationMs: number): Promise<Result>;
  stop(): Promise<void>;
}

type Answer = { ready: true } | { result: unknown } | { error: string };

const answerLimitMs = 180_000;

/** Starts `reference/<name>.ts` with the given environment, and resolves when it is ready. */
export async function startReference(name: string, env: Record<string, string>): Promise<ReferenceProcess> {
  const file = fileURLToPath(new URL(`reference/${name}.ts`, import.meta.url));
  const child = fork(file, { env: { ...process.env, ...env }, execArgv: ['--import', 'tsx'] });
  const answer = async (): Promise<Answer> => {
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the reference ${name} ended`);
    });
    ended.catch(() => undefined);
    const message = once(child, 'message', { signal: AbortSignal.timeout(answerLimitMs) });
    const [received] = (await Promise.race([message, ended])) as [Answer];
    return received;
  };
  await answer();
  return {
    run: async <Result>(durationMs: number) => {
      const answered = answer();
      child.send(durationMs);
      const received = await answered;
      if ('error' in received) throw new Error(`the reference ${name} failed: ${received.error}`);
      return ('result' in received ? received.result : undefined) as Result;
    },
    stop: async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { exitOf, pause, probe, settledWithin } from './bounded-waits.js';
import { CliError } from '../../runtime/cli-error.js';
import type { Print } from './server-directory.js';
import { LineLog } from './line-log.js';
import { forgetProcess, recordProcess } from './process-records.js';
import { serverDirectoryVariable, killTree, signalQuietly } from './process-tree.js';

const firstBackoffMs = 1_000;
const maxBackoffMs = 15_000;
const steadyMs = 30_000;
const probePauseMs = 100;
const shownLines = 10;

export interface ManagedProcessOptions {
  /** Shown in messages, and names the record of the process. */
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  uid?: number;
  gid?: number;
  serverDirectoryPath: string;
  logFile: string;
  recordDirectory: string;
  /** Sent to the process itself, which has to stop its own children. Default: SIGTERM. */
  stopSignal?: NodeJS.Signals;
  /** How long the process may take to stop before its whole tree is killed. */
  stopLimitMs: number;
  readyLimitMs: number;
  /** Called repeatedly until it returns true. An error means "not yet" and is shown if the time runs out. */
  isReady: () => Promise<boolean>;
  /** Runs before each start, restarts included. */
  prepare?: () => Promise<void>;
  onLine?: (line: string) => void;
  print: Print;
}

interface Run {
  child: ChildProcess;
  pid: number;
  exited: Promise<string>;
  hasExited: boolean;
}

/**
 * A child process in its own process group, kept running until stop() or kill(). If it exits on its own, the reason is
 * printed and it is restarted after 1, 2, 4, 8, then every 15 seconds, indefinitely. start() works again after stop().
 */
export class ManagedProcess {
  readonly name: string;
  readonly #options: ManagedProcessOptions;
  readonly #log: LineLog;
  /** Aborted by stop() and kill(); each start() creates a new one. Undefined while stopped. */
  #life: AbortController | undefined;
  #run: Run | undefined;
  #starting: Promise<void> = Promise.resolve();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ManagedProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = new LineLog(options.logFile, shownLines, options.onLine);
  }

  /** The pid while it runs. */
  get pid(): number | undefined {
    return this.#run?.hasExited === false ? this.#run.pid : undefined;
  }

  /**
   * Resolves when the process is ready; does nothing if it was started already.
   * @throws CliError with the reason and the last log lines if it exits or is not ready in time; it is then gone
   */
  start(): Promise<void> {
    if (this.#life !== undefined) return this.#starting;
    const life = new AbortController();
    this.#life = life;
    this.#starting = this.#begin(life);
    return this.#starting;
  }

  /** Asks the process to stop, kills it after the limit, and resolves when its whole tree is gone. Idempotent. */
  async stop(): Promise<void> {
    const run = this.#endLife();
    if (run !== undefined && !run.hasExited) {
      signalQuietly(run.pid, this.#options.stopSignal ?? 'SIGTERM');
      const limit = this.#options.stopLimitMs;
      const stopped = await settledWithin(run.exited, limit);
      if (!stopped) this.#options.print(`${this.name} did not stop within ${limit / 1000} s, so it is killed`);
    }
    await this.#finish(run);
  }

  /** Kills the process and all its descendants immediately. Idempotent. */
  async kill(): Promise<void> {
    await this.#finish(this.#endLife());
  }

  #endLife(): Run | undefined {
    this.#life?.abort();
    this.#life = undefined;
    return this.#run;
  }

  async #finish(run: Run | undefined): Promise<void> {
    if (run !== undefined) await this.#remove(run);
    await this.#starting.catch(() => undefined);
    await this.#loop;
  }

  async #begin(life: AbortController): Promise<void> {
    try {
      await this.#loop;
      const run = await this.#launch(life.signal);
      this.#loop = this.#keepRunning(run, life.signal);
    } catch (error) {
      if (this.#life === life) this.#life = undefined;
      throw error;
    }
  }

  async #launch(signal: AbortSignal): Promise<Run> {
    await this.#options.prepare?.();
    if (signal.aborted) throw new CliError(`${this.name} was stopped while it was starting`);
    const run = this.#spawn();
    this.#run = run;
    try {
      await this.#untilReady(run, signal);
      return run;
    } catch (error) {
      await this.#remove(run);
      throw error;
    }
  }

  #spawn(): Run {
    const { command, args, env, cwd, uid, gid, serverDirectoryPath, recordDirectory } = this.#options;
    this.#log.write(`--- starting ${this.name}: ${command} ${args.join(' ')}`);
    const child = spawn(command, args, {
      cwd,
      env: { ...env, [serverDirectoryVariable]: serverDirectoryPath },
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      // In its own group, so that a terminal's Ctrl-C reaches only this process, which stops everything in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const run: Run = { child, pid: child.pid ?? -1, hasExited: false, exited: exitOf(child) };
    run.exited = run.exited.then((reason) => {
      run.hasExited = true;
      return reason;
    });
    if (child.pid !== undefined) recordProcess(recordDirectory, this.name, child.pid);
    this.#log.follow(child.stdout);
    this.#log.follow(child.stderr);
    return run;
  }

  async #untilReady(run: Run, signal: AbortSignal): Promise<void> {
    const limitMs = this.#options.readyLimitMs;
    const deadline = Date.now() + limitMs;
    let lastProblem = 'no response';
    while (Date.now() < deadline) {
      if (signal.aborted) throw new CliError(`${this.name} was stopped while it was starting`);
      if (run.hasExited) throw new CliError(`${this.name} ${await run.exited}${this.#log.lastLines()}`);
      const state = await probe(this.#options.isReady);
      // If it has exited meanwhile, another program uses its port; the next round reports the exit.
      if (state === 'ready' && !hasExited(run)) return;
      lastProblem = state;
      await Promise.race([delay(probePauseMs), run.exited]);
    }
    const seconds = limitMs / 1000;
    throw new CliError(`${this.name} was not ready within ${seconds} s: ${lastProblem}${this.#log.lastLines()}`);
  }

  /** Restarts the process each time it exits, after the backoff, until stop() or kill(). */
  async #keepRunning(first: Run, signal: AbortSignal): Promise<void> {
    let run = first;
    let backoffMs = firstBackoffMs;
    for (;;) {
      const since = Date.now();
      const reason = await run.exited;
      if (signal.aborted) return;
      if (Date.now() - since > steadyMs) backoffMs = firstBackoffMs;
      this.#options.print(`${this.name} ${reason}${this.#log.lastLines()}`);
      // Children that outlive the process may hold its port or its files.
      await this.#remove(run);
      const next = await this.#relaunch(backoffMs, signal);
      if (next === undefined) return;
      run = next;
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
    }
  }

  /** Tries until the process is ready again; undefined if stop() or kill() came first. */
  async #relaunch(firstPauseMs: number, signal: AbortSignal): Promise<Run | undefined> {
    let pauseMs = firstPauseMs;
    for (;;) {
      this.#options.print(`${this.name} restarts in ${pauseMs / 1000} s`);
      if (!(await pause(pauseMs, signal))) return undefined;
      try {
        const run = await this.#launch(signal);
        this.#options.print(`${this.name} is running again`);
        return run;
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#options.print((error as Error).message);
      }
      pauseMs = Math.min(pauseMs * 2, maxBackoffMs);
    }
  }

  async #remove(run: Run): Promise<void> {
    if (run.pid > 0) await killTree(run.pid);
    await run.exited;
    if (this.#run !== run) return;
    forgetProcess(this.#options.recordDirectory, this.name);
    this.#run = undefined;
  }
}

/** A function, since the flag may change during a wait, which TypeScript's narrowing does not expect. */
function hasExited(run: Run): boolean {
  return run.hasExited;
}

import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { CliError } from './cli-error.js';

/**
 * The environment is unusable. The message lists every problem by the name of its variable; nothing has connected yet.
 */
export class EnvironmentError extends CliError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `the environment has ${problems.length} problem(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.name = 'EnvironmentError';
    this.problems = problems;
  }
}

/** Loads `.env` from the working directory if it exists. Variables that are already set take precedence. */
export function loadDotEnv(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}

/**
 * Reads the variables that `schema` names from `env` into one frozen object. An empty variable counts as unset.
 * `NAME_FILE` may name a file that holds the value of `NAME`, for secrets that should not be in an environment; one
 * line break at the end of the file is ignored.
 * @param alsoRead reads settings that have their own rules; its error is reported together with the other problems
 * @throws EnvironmentError that names every problem at once
 */
export function readEnvironment<Shape extends z.ZodRawShape, Extra extends object>(
  schema: z.ZodObject<Shape>,
  env: NodeJS.ProcessEnv,
  alsoRead: () => Extra,
): Readonly<z.output<z.ZodObject<Shape>> & Extra> {
  const problems: string[] = [];
  const unread = new Set<string>();
  const named = Object.fromEntries(
    Object.keys(schema.shape).map((name) => {
      const { value, problem } = readVariable(name, env);
      if (problem !== undefined) {
        problems.push(problem);
        unread.add(name);
      }
      return [name, value];
    }),
  );
  const parsed = schema.safeParse(named);
  if (!parsed.success) {
    const issues = parsed.error.issues.filter((issue) => !unread.has(String(issue.path[0])));
    problems.push(...issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  let extra: Extra | undefined;
  try {
    extra = alsoRead();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  if (problems.length > 0 || !parsed.success || extra === undefined) throw new EnvironmentError(problems);
  return Object.freeze({ ...parsed.data, ...extra });
}

function readVariable(name: string, env: NodeJS.ProcessEnv): { value?: string | undefined; problem?: string } {
  const value = env[name] || undefined;
  const file = env[`${name}_FILE`];
  if (!file) return { value };
  if (value !== undefined) return { problem: `${name} and ${name}_FILE are both set: keep one of them` };
  try {
    return { value: readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined };
  } catch (error) {
    return { problem: `${name}_FILE: cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Freezes a configuration and all plain objects in it, and returns it. */
export function deepFreeze<T extends object>(config: T): Readonly<T> {
  for (const value of Object.values(config) as unknown[]) {
    if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
      deepFreeze(value);
    }
  }
  return Object.freeze(config);
}

/** A schema for a whole number from `minimum` to `maximum`, written in decimal digits. */
export function wholeNumber(minimum: number, maximum: number) {
  const message = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, message);
}

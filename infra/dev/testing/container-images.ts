import { getContainerRuntimeClient, ImageName } from 'testcontainers';
import { withDeadline } from '../../runtime/deadline.js';

export const images = {
  postgres: 'postgres:18',
  rabbitmq: 'rabbitmq:4-management',
  temporal: 'temporalio/temporal:latest',
} as const;

/** Removes the containers of a killed test run. Testcontainers can be told to work without it. */
const reaperImage = 'testcontainers/ryuk:0.14.0';

const connectLimitMs = 10_000;
const pullLimitMs = 10 * 60_000;

/**
 * Ensures that containers can be started here: Docker runs, and every image is present or is pulled now.
 * @param print receives a line for each image that is pulled
 * @returns the reason why they cannot be started, or undefined if they can
 */
export async function provideContainers(print: (line: string) => void): Promise<string | undefined> {
  try {
    await withDeadline('connecting to Docker', connectLimitMs, getContainerRuntimeClient());
  } catch (error) {
    return `Docker is not available (${messageOf(error)})`;
  }
  for (const image of Object.values(images)) {
    const problem = await provideImage(image, print);
    if (problem !== undefined) return `the image ${image} is not available (${problem})`;
  }
  if (process.env['TESTCONTAINERS_RYUK_DISABLED'] === undefined) {
    const problem = await provideImage(reaperImage, print);
    if (problem !== undefined) {
      process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
      print(`the image ${reaperImage} is not available, so the next run removes the containers of a killed run`);
    }
  }
  return undefined;
}

/** Returns undefined if the image is present now, otherwise the reason why not. */
async function provideImage(image: string, print: (line: string) => void): Promise<string | undefined> {
  const client = await getContainerRuntimeClient();
  const name = ImageName.fromString(image);
  try {
    if (await client.image.exists(name)) return undefined;
    print(`pulling ${image}`);
    await withDeadline(`pulling ${image}`, pullLimitMs, client.image.pull(name));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

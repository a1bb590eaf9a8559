import { createLogger } from '../../runtime/logger.js';

/** TEST_LOG_LEVEL=debug shows what the code under test logs. */
export const testLogger = createLogger('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');

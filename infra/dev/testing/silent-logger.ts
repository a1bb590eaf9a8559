import { createLogger } from '../../runtime/logger.js';

/** TEST_LOG_LEVEL=debug shows what the code under test logs. */
export const silentLogger = createLogger('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');

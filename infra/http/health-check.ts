// What a container's health check runs: exits with 0 when the service beside it answers GET /health with 200, which it
// does while it takes work, also degraded; with 1 and the reason otherwise.
const port = process.env['APP__PORT'] ?? '';
const answerLimitMs = 4_000;

try {
  const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(answerLimitMs) });
  console.log(`${response.status} ${await response.text()}`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(String(error));
  process.exitCode = 1;
}

// The health check of a container. It exits with 0 if the service in the same container answers GET /health with 200,
// as it does while it accepts work, even when degraded. Otherwise it prints the reason and exits with 1.
const port = process.env['APP__PORT'] ?? '';
const responseTimeoutMs = 4_000;

try {
  const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(responseTimeoutMs) });
  console.log(`${response.status} ${await response.text()}`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(String(error));
  process.exitCode = 1;
}

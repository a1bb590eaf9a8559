// `npm run verify [-- --wait SECONDS] [--accepted FILE]` is `npm run ops -- verify`.

process.argv.splice(3, 0, 'verify');
await import('./ops.js');

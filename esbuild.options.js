// some packages are CommonJS, and expect these names; `$` keeps the others apart from names of the source
const commonJs = `import { createRequire as $createRequire } from 'node:module';
import { fileURLToPath as $fileURLToPath } from 'node:url';
const require = $createRequire(import.meta.url);
const __filename = $fileURLToPath(import.meta.url);
const __dirname = $fileURLToPath(new URL(".", import.meta.url));`;

/**
 * How every program of scailfin is put together.
 * @type {import('esbuild').BuildOptions & { metafile: true }}
 */
export const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // ssh2 looks for parts of its own that may have been compiled for this machine
  external: ['ssh2'],
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  banner: { js: commonJs },
};

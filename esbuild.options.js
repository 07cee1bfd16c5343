// some packages are CommonJS, and expect these names; `$` keeps the others apart from names of the source
const commonJs = `import { createRequire as $createRequire } from 'node:module';
import { fileURLToPath as $fileURLToPath } from 'node:url';
const require = $createRequire(import.meta.url);
const __filename = $fileURLToPath(import.meta.url);
const __dirname = $fileURLToPath(new URL(".", import.meta.url));`;

/**
 * ssh2 has a part that npm compiled for this machine, or could not: it stays where it is, and is looked for when ssh2 is loaded.
 * @type {import('esbuild').Plugin}
 */
const compiledParts = {
  name: 'compiled-parts',
  setup({ onResolve }) {
    onResolve({ filter: /\.node$/ }, () => ({ path: 'ssh2/lib/protocol/crypto/build/Release/sshcrypto.node', external: true }));
  },
};

/**
 * How every program of scailfin is put together.
 * @type {import('esbuild').BuildOptions & { metafile: true }}
 */
export const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: ['cpu-features'],
  plugins: [compiledParts],
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  banner: { js: commonJs },
};

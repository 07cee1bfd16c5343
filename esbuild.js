// The edge runs on headnodes that have nothing of ours: all of its program in one file.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/doors/edge.ts'],
  outfile: 'dist/edge.mjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  legalComments: 'none',
  logLevel: 'warning',
  // some packages are CommonJS, and ask for Node's own by require
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
});

// Reading and compiling hundreds of small files takes most of a command's start. So the programs are put together from
// few files: each command loads its own part and what it shares with others.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { common } from './esbuild.options.js';

const programs = await build({
  ...common,
  entryPoints: ['src/cli/main.ts', 'src/doors/keeper.ts', 'src/doors/askpass.ts'],
  outbase: 'src',
  outdir: 'dist',
  chunkNames: 'parts/[name]-[hash]',
  splitting: true,
});

// These run on headnodes that have nothing of ours: all of such a program is in one file. Without its compiled parts, ssh2
// uses what Node.js has.
const alone = { ...common, external: ['cpu-features', '*.node'], plugins: [] };
const edge = await build({ ...alone, entryPoints: ['src/doors/edge.ts'], outfile: 'dist/edge.mjs' });
const relay = await build({ ...alone, entryPoints: ['src/doors/relay.ts'], outfile: 'dist/relay.mjs' });

const licences = `/*! @dagrejs/dagre: copyright (c) 2012-2014 Chris Pettitt; Papa Parse: copyright (c) 2015 Matthew Holt.
Both: MIT licence, https://opensource.org/license/mit */`;

// The page's libraries, each in one file that the page loads when it needs it.
const page = await build({
  entryPoints: { dagre: '@dagrejs/dagre', papaparse: 'papaparse' },
  ...{ bundle: true, minify: true, platform: 'browser', target: 'es2022', format: 'esm', legalComments: 'inline' },
  ...{ outdir: 'dist/page', banner: { js: licences }, logLevel: 'warning', metafile: true },
});

// what earlier builds left; a command that runs meanwhile finds its own parts for as long as possible
const made = new Set([programs, edge, relay, page].flatMap(({ metafile }) => Object.keys(metafile.outputs)));
for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && !made.has(path)) rmSync(path);
}

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

// The edge runs on headnodes that have nothing of ours: all of its program in one file.
const edge = await build({ ...common, entryPoints: ['src/doors/edge.ts'], outfile: 'dist/edge.mjs' });

// what earlier builds left; a command that runs meanwhile finds its own parts for as long as possible
const made = new Set([programs, edge].flatMap(({ metafile }) => Object.keys(metafile.outputs)));
for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && !made.has(path)) rmSync(path);
}

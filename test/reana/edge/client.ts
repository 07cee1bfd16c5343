import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cache } from '../../lab/cache.js';
import { program } from '../../lab/programs.js';

/** The versions that are tried, oldest first; each has its `requirements-VERSION.txt`, which says why it is one of them. */
export const clientVersions = ['0.9.4', '0.9.6', '0.95.0a4', '0.95.0a6'] as const;
export type ClientVersion = (typeof clientVersions)[number];

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A list of packages, and the lists that it names. */
async function listOf(name: string): Promise<string> {
  const text = await readFile(beside(name), 'utf8');
  const named = [...text.matchAll(/^-r (.+)$/gm)].map(([, other = '']) => readFile(beside(other), 'utf8'));
  return [text, ...(await Promise.all(named))].join('');
}

/**
 * The real reana-client from PyPI, in an environment that is made once for these requirements and this Python.
 * @returns its program, or why it can't be had here
 */
export async function reanaClient(
  version: ClientVersion = '0.9.4',
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const name = `requirements-${version}.txt`;
  const python = await execa('python3', ['--version'], { reject: false });
  if (python.exitCode !== 0) return { missing: 'there is no python3 on this machine' };
  const list = await listOf(name);
  const hash = createHash('sha256').update(list).update(python.stdout).digest('hex').slice(0, 16);
  const target = join(cache, `reana-client-${hash}`);
  const path = join(target, 'bin/reana-client');
  if (existsSync(join(target, 'whole'))) return { path };
  await mkdir(cache, { recursive: true });
  // a list of all packages needs no search for them
  const only = version === '0.9.4' ? [] : ['--no-deps'];
  // a venv can't be moved once it is made, so a mark says when it is whole
  const build =
    'test -e "$1/whole" || { rm -rf "$1" && python3 -m venv "$1" && "$1/bin/pip" install -q --no-input $3 -r "$2" && touch "$1/whole"; }';
  try {
    await program(['flock', `${target}.lock`, 'bash', '-c', build, 'bash', target, beside(name), ...only], {
      timeoutMs: 15 * 60_000,
    });
    return { path };
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    const why = (error as Error).message.trim().split('\n').at(-1);
    return { missing: `reana-client ${version} can't be installed from PyPI: ${why}` };
  }
}

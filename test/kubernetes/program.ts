import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cache } from '../lab/cache.js';
import { hashOf } from './tools.js';

/** What the control plane says it is, and is. */
export const kubernetesVersion = 'v1.33.13';

const source = fileURLToPath(new URL('plane', import.meta.url));

/** Where the control plane's program is, or will be. */
async function pathOfPlane(): Promise<string> {
  const files = ['go.mod', 'go.sum', 'main.go', 'kubelet.go'].map(name => join(source, name));
  return join(cache, `kubernetes-plane-${await hashOf(...files)}`);
}

/** @returns its path, or why it is not here: building it takes too long for a test */
export async function planeProgram(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const path = await pathOfPlane();
  if (existsSync(path)) return { path };
  return { missing: "no Kubernetes control plane in the lab's cache; `node test/setup/run.js kubernetes` builds it" };
}

/**
 * Builds the control plane from Go's modules, at the lowest priority: a quarter of an hour on two cores, 7 GB in Go's
 * caches.
 * @returns its path
 */
export async function buildPlane(): Promise<string> {
  const path = await pathOfPlane();
  if (existsSync(path)) return path;
  const go = await execa('go', ['version'], { reject: false });
  if (go.exitCode !== 0)
    throw new Error('the control plane is built by Go 1.24 or newer, which is not on this machine');
  await mkdir(cache, { recursive: true });
  const dir = await mkdtemp(join(cache, '.plane-'));
  try {
    await execa(
      'nice',
      ['-n', '19', 'go', 'build', '-trimpath', '-ldflags', linking(), '-o', join(dir, 'plane'), '.'],
      {
        cwd: source,
        // what go.mod and go.sum name, by the Go that is here
        env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOTOOLCHAIN: 'local' },
        stdio: 'inherit',
      },
    );
    await rename(join(dir, 'plane'), path);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  return path;
}

/** Without symbols; charts ask for the version, which no source file says. */
function linking(): string {
  const [major, minor] = kubernetesVersion.slice(1).split('.');
  const values = { gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor };
  const set = Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s', '-w', ...set].join(' ');
}

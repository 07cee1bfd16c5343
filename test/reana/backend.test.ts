import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageTag } from '../../src/headnode/reana/image.js';
import { Hashes } from '../../src/reana/jobs/hashes.js';
import { parseManifest, survey } from '../../src/reana/jobs/manifest.js';
import { stepEnvironment } from '../../src/steps/environment.js';
import { BackendPython } from './backend/python.js';

/** Without a pool. What it is with one is in backend-pool.test.ts. */
describe("the job controller's backend", { timeout: 300_000 }, () => {
  let backend: BackendPython;
  let top: string;
  beforeAll(async () => {
    backend = await BackendPython.open();
    top = await mkdtemp(join(tmpdir(), 'scailfin-test-'));
  }, 600_000);
  afterAll(async () => {
    await backend?.close();
    if (top) await rm(top, { recursive: true, force: true });
  });

  for (const [file, what] of [
    ['test_life.py', "tells REANA of a step's life as it is"],
    ['test_files.py', "sends a step's files and brings back what it changed"],
  ] as const) {
    it(`${what} (${file})`, async () => {
      const said = await backend.run(['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--basetemp', `${top}/py`, file]);
      expect(said).toMatch(/^\d+ passed/m);
    });
  }

  it('writes the same files for a step as scailfin itself, for the same wrapper', async () => {
    const workspace = join(top, "a workspace's");
    await mkdir(join(workspace, 'd/empty'), { recursive: true });
    await writeFile(join(workspace, 'd/ü\n"x'), 'content', { mode: 0o640 });
    await symlink('nowhere', join(workspace, 'd/link'));
    await chmod(join(workspace, 'd'), 0o750);
    const command = `echo "it's" $HOME 'ü'\n`;
    const environment = { A: `x'y"z\n`, B: '' };
    const secrets = join(top, 'secrets');
    await mkdir(secrets);
    await writeFile(join(secrets, 'key'), Buffer.from([0, 255, 10]));
    const request = { workspace, name: `fit 'it'`, image: 'docker://a/b', command, environment };
    const ours = await stepEnvironment('one', { ...request, secrets });
    const program = `
import base64, json, sys
from scailfin_backend import inputs
step = json.loads(sys.argv[1])
step["secrets"] = {"key": bytes([0, 255, 10])}
inputs.prepare(sys.argv[2], step)
`;
    await mkdir(join(top, 'step'));
    await backend.run(['-c', program, JSON.stringify({ id: 'one', ...request }), join(top, 'step')]);
    const theirs = await readFile(join(top, 'step/step.env'), 'utf8');
    expect(variables(theirs)).toEqual(variables(ours));
    const manifest = await readFile(join(top, 'step/manifest'), 'utf8');
    const hashes = await Hashes.open(join(top, 'hashes'));
    const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
    expect(parseManifest(manifest).sort(byPath)).toEqual((await survey(workspace, hashes)).sort(byPath));
    expect(manifest.split('\n')[0]).toBe('probe - -');
  });

  it('is in an image whose name changes with what is in it', () => {
    const one = imageTag();
    expect(one).toMatch(/^localhost\/scailfin-job-controller:[0-9a-f]{12}$/);
    expect(imageTag([{ path: 'Dockerfile', content: Buffer.from('FROM scratch') }])).not.toBe(one);
  });
});

/** What a shell has after reading the text, a variable each. */
function variables(text: string): string[] {
  const names = ['step', 'name', 'workspace', 'image', 'command_b64', 'environment_b64', 'unpacks', 'secrets_b64'];
  const show = names.map(name => `printf '%s\\0' "${name}=$${name}"`).join('; ');
  return execFileSync('/bin/sh', ['-c', `${text}\n${show}`], { encoding: 'utf8' }).split('\0');
}

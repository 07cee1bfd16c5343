import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { enginePython } from '../../../src/reana/engines/python.js';
import { program } from '../../lab/programs.js';

/** An edge's directory, and one for programs, which are the only ones there are. */
async function place(programs: Record<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'engine-python-'));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(dir, { recursive: true, force: true });
  });
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  vi.stubEnv('PATH', dir);
  const said: string[] = [];
  return { dir, said, make: () => enginePython('yadage', { dir }, text => said.push(text)) };
}

/** A Python whose venv has a Python that does as `installed` says. */
const python = (version: string, installed: string, log = '/dev/null') => `
case $1 in
  -c) echo ${version} ;;
  -m) /bin/mkdir -p "$3/bin" && printf '#!/bin/sh\\necho "$@" >> ${log}\\n${installed}\\n' > "$3/bin/python3" && /bin/chmod +x "$3/bin/python3" ;;
esac`;

describe('what runs a workflow language', () => {
  it('is installed once, with what was tested together, also when two ask', async () => {
    const log = join(await mkdtemp(join(tmpdir(), 'engine-pip-')), 'log');
    onTestFinished(() => rm(join(log, '..'), { recursive: true }));
    const { dir, said, make } = await place({ python3: python('3 6', ''), 'python3.11': python('3 11', '', log) });
    const [first, second] = await Promise.all([make(), make()]);
    expect(second).toBe(first);
    expect(await make()).toBe(first);
    expect(first).toMatch(new RegExp(`^${dir}/venvs/yadage-[0-9a-f]{16}/bin/python3$`));
    expect(said).toHaveLength(1);
    const calls = (await program(['/bin/cat', log])).split('\n');
    const pip =
      '-m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes --no-deps --no-build-isolation -r';
    expect(calls).toEqual(['build', 'requirements'].map(list => `${pip} ${join(first, `../../${list}.txt`)}`));
  });

  it('is installed anew after an edge was killed: its installer is ended first, and what that had made goes', async () => {
    const other = await mkdtemp(join(tmpdir(), 'engine-slow-'));
    onTestFinished(() => rm(other, { recursive: true }));
    const slow = `: >"$TMPDIR/unpacked"; echo $$ "$TMPDIR" >${other}/said; /bin/sleep 60`;
    const { dir, make } = await place({ 'python3.11': python('3 11', slow) });
    const killed = make().catch(error => error);
    const said = await vi.waitFor(() => readFile(join(other, 'said'), 'utf8'), { timeout: 10_000 });
    const [pid = '', scratch = ''] = said.trim().split(' ');
    expect(existsSync(join(scratch, 'unpacked'))).toBe(true);
    // the next edge is another process, which knows nothing of that
    vi.resetModules();
    await writeFile(join(dir, 'python3.11'), `#!/bin/sh\n${python('3 11', '')}\n`, { mode: 0o755 });
    const next = await import('../../../src/reana/engines/python.js');
    await next.enginePython('yadage', { dir }, () => {});
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(existsSync(scratch)).toBe(false);
    expect(await killed).toBeInstanceOf(Error);
  });

  it('is taken from where the settings say', async () => {
    const settings = { dir: '/nowhere', enginePython: { cwl: '/opt/cwl/bin/python3' } };
    expect(await enginePython('cwl', settings, () => {})).toBe('/opt/cwl/bin/python3');
  });

  it.each([
    [{}, 'yadage workflows need Python 3.10 or later, but the headnode has no Python'],
    [{ python3: python('3 6', ''), 'python3.10': 'exit 1' }, 'the headnode has only Python 3.6'],
    [
      { python3: 'if [ $1 = -c ]; then echo 3 11; else echo "install the python3-venv package"; exit 1; fi' },
      'can.t be installed on the headnode: install the python3-venv package',
    ],
    [
      { python3: python('3 11', 'echo ERROR: No matching distribution found for adage >&2; echo bye >&2; exit 1') },
      'can.t be installed on the headnode: ERROR: No matching distribution found for adage',
    ],
  ])('that can not be had is told of, and nothing is left: %#', async (programs, message) => {
    const { dir, make } = await place(programs as Record<string, string>);
    await expect(make()).rejects.toThrow(new RegExp(message));
    await expect(make()).rejects.toMatchObject({ hint: expect.stringContaining('enginePython.yadage') });
    await expect(stat(join(dir, 'venvs')).then(() => program(['/bin/ls', join(dir, 'venvs')]))).resolves.toBe('');
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { packages } from '../setup/packages.js';
import { mustRunQuietly, runQuietly } from '../setup/quiet.js';

/** What only tests of shells, browsers, compilers and scripts use. */
const ofTests = ['chromium', 'fish', 'gcc', 'openssh-server', 'patchelf', 'python3-dev', 'shellcheck', 'tcsh', 'zsh'];

/** Which package has each program that a lab looks for. */
const homes: { readonly [program: string]: string } = {
  ...{ unshare: 'util-linux', nsenter: 'util-linux', flock: 'util-linux', ip: 'iproute2', nft: 'nftables' },
  ...{ mmdebstrap: 'mmdebstrap', 'ssh-keygen': 'openssh-client' },
};

describe('the Debian packages of each verb', () => {
  it('are known for every verb', () => {
    const text = readFileSync(new URL('../setup/run.js', import.meta.url), 'utf8');
    const [, verbs = ''] = /^const verbs = \{\n(.*?)^\};/ms.exec(text) ?? [];
    const names = [...verbs.matchAll(/^ {2}(?:'([\w:]+)'|(\w+))[:,]/gm)].map(([, quoted, bare]) => quoted ?? bare);
    expect(names).toContain('test');
    expect(Object.keys(packages).sort()).toEqual(names.sort());
  });

  it('are those of a lab and of pip for the demo, and nothing of the tests', () => {
    expect(packages.demo).toEqual([...(packages.lab ?? []), 'python3', 'python3-pip']);
    for (const name of ofTests) {
      expect(packages.demo).not.toContain(name);
      expect(packages.test).toContain(name);
    }
    expect(packages.conformance).toEqual([]);
  });

  it('have every program that a lab looks for', () => {
    const text = readFileSync(new URL('../lab/unavailable.ts', import.meta.url), 'utf8');
    const needed = /const needed = \[([^\]]*)\]/.exec(text)?.[1]?.match(/[\w-]+/g);
    expect(needed?.map(program => homes[program])).not.toContain(undefined);
    for (const program of needed ?? []) expect(packages.lab).toContain(homes[program]);
  });

  it('are all among those of the tests', () => {
    for (const names of Object.values(packages)) expect(packages.test).toEqual(expect.arrayContaining([...names]));
  });
});

describe('what an installation prints', () => {
  const shown = async (work: () => Promise<unknown>): Promise<string> => {
    let text = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(part => {
      text += part;
      return true;
    });
    await work().finally(() => write.mockRestore());
    return text;
  };

  it('is one line while all is well', async () => {
    const text = await shown(() => mustRunQuietly('installing', 'sh', ['-c', 'echo much; echo more >&2']));
    expect(text).toBe('» installing\n');
  });

  it('is all of it when it fails', async () => {
    let failed: unknown;
    const text = await shown(() =>
      mustRunQuietly('installing', 'sh', ['-c', 'echo much; exit 100']).catch(error => {
        failed = error;
      }),
    );
    expect(text).toBe('» installing\nmuch\n');
    expect(String(failed)).toContain('sh -c echo much; exit 100 ended with exit status 100');
  });

  it('is left to who asks, where a failure is no mistake', async () => {
    const text = await shown(async () => {
      expect(await runQuietly('trying', 'sh', ['-c', 'echo no; exit 3'])).toEqual({ status: 3, said: 'no\n' });
    });
    expect(text).toBe('» trying\n');
  });
});

// @module-tag nightly; each time: attack/specs and engine-files
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, vi } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { enginePython } from '../../src/reana/engines/python.js';
import { program } from '../lab/programs.js';
import { attack } from './attack.js';

const folder = join(packageRoot, 'templates/engines');
const lists = readdirSync(folder).filter(name => /^requirements-.*\.txt$/.test(name));

/** The packages that a list names, each with its hashes. */
function packagesIn(list: string): { name: string; version: string; hashes: string[] }[] {
  const text = readFileSync(join(folder, list), 'utf8').replaceAll('\\\n', ' ');
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#') && !line.startsWith('--'));
  return lines.map(line => {
    const [, name = '', version = '', rest = ''] =
      /^([\w.-]+)==([\w.]+)((?: +--hash=sha256:[0-9a-f]{64})+)$/.exec(line) ?? [];
    expect([line.slice(0, 60), name]).not.toEqual([line.slice(0, 60), '']);
    return { name, version, hashes: [...rest.matchAll(/sha256:([0-9a-f]{64})/g)].map(m => m[1] as string) };
  });
}

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-engines-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

describe("a server that stands in for Python's package index", () => {
  attack({ by: 'a server', on: 'here', what: 'is asked for a package whose hash is not told' }, count => {
    expect(lists.sort()).toEqual(['build', 'cwl', 'snakemake', 'yadage'].map(kind => `requirements-${kind}.txt`));
    for (const list of lists) {
      for (const { name, hashes } of packagesIn(list)) {
        // a wheel and a source archive at least, where both were published
        expect([name, new Set(hashes).size]).toEqual([name, hashes.length]);
        count();
      }
      const options = readFileSync(join(folder, list), 'utf8').match(/^--\S.*$/gm) ?? [];
      expect(options[0]).toBe('--only-binary :all:');
      expect(options.slice(1).every(option => /^--no-binary [\w,-]+$/.test(option))).toBe(true);
    }
  });

  attack(
    { by: 'a server', on: 'here', what: 'gives another setuptools than the one that was tested' },
    async count => {
      // the real one, with a line more in it, as the only package that there is
      const { name, version } = packagesIn('requirements-build.txt')[0] as { name: string; version: string };
      const index = join(dir, 'index');
      mkdirSync(index);
      const pip = ['python3', '-m', 'pip', '--disable-pip-version-check'] as const;
      await program(
        [...pip, 'download', '-q', '--no-deps', '--only-binary=:all:', '-d', index, `${name}==${version}`],
        {
          timeoutMs: 120_000,
        },
      );
      const wheel = join(index, readdirSync(index)[0] as string);
      const evil = join(dir, 'evil.py');
      writeFileSync(evil, `open(${JSON.stringify(join(dir, 'ran'))}, "w")\n`);
      const only = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: index };
      for (const [key, value] of Object.entries(only)) vi.stubEnv(key, value);
      const settings = { dir: join(dir, 'edge') };
      const install = (): Promise<string> => enginePython('cwl', settings, () => {});

      // as it was published it is taken, and then cwltool is what is missing
      await expect(install()).rejects.toThrow(/argcomplete|CacheControl|No matching distribution/);
      const add = `import zipfile, sys; zipfile.ZipFile(sys.argv[1], "a").write(sys.argv[2], "evil.pth")`;
      await program(['python3', '-c', add, wheel, evil]);
      await expect(install()).rejects.toThrow(/THESE PACKAGES DO NOT MATCH THE HASHES|hash/i);
      count();
      expect(existsSync(join(dir, 'ran'))).toBe(false);
      expect(readdirSync(join(settings.dir, 'venvs'))).toEqual([]);
    },
    300_000,
  );
});

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { attack } from './attack.js';

interface Entry {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly version?: string;
}

const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Entry>;
};
const entries = Object.entries(lock.packages).filter(([path]) => path !== '');

/** Runtime dependencies that run a program when they are installed, and why that is as it is. */
const scripts: Readonly<Record<string, string>> = {
  ssh2: 'tries to compile a faster cipher; without a compiler, or with --ignore-scripts, it does without',
  'cpu-features': 'optional, compiled: what ssh2 asks for the order of its ciphers; it does without',
};

describe('what scailfin is made from', () => {
  attack(
    { by: 'a server', on: 'here', what: 'gives other bytes for a dependency than those that were tested' },
    count => {
      expect(entries.length).toBeGreaterThan(100);
      for (const [path, { integrity, resolved }] of entries) {
        count();
        expect(integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
        // from whichever registry npm is told to use; the bytes are these
        expect(resolved ?? 'https://registry.npmjs.org/', path).toMatch(/^https:\/\/registry\.npmjs\.org\//);
      }
    },
  );

  attack(
    { by: 'a server', on: 'here', what: "runs a program of its own while scailfin's dependencies are installed" },
    count => {
      const running = entries.flatMap(([path, { dev, hasInstallScript }]) => {
        count();
        return hasInstallScript && !dev ? [path.slice(path.lastIndexOf('node_modules/') + 13)] : [];
      });
      expect(running.sort()).toEqual(Object.keys(scripts).sort());
    },
  );

  it('runs no program while it is installed itself', () => {
    const { scripts: own } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) expect(own).not.toHaveProperty(name);
  });

  attack(
    { by: 'another user', on: 'here', what: 'finds in the package what is only for its makers: tests, keys, settings' },
    count => {
      const options = { cwd: packageRoot, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
      const out = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], options);
      const [{ files }] = JSON.parse(out) as [{ files: { path: string; mode: number }[] }];
      expect(files.length).toBeGreaterThan(100);
      for (const { path } of files) {
        count();
        expect(path).toMatch(
          /^(bin|dist|templates|sites|docs\/help|examples)\/|^(package\.json|README\.md|CHANGELOG\.md|LICENSE.*)$/,
        );
        expect(path).not.toMatch(/(^|\/)(\.env|\.npmrc|id_[a-z0-9]+|.*\.(pem|key|token))$|\.test\.|__pycache__/);
      }
    },
  );
});

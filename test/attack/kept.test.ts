import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keptDir, makeKeptDir } from '../../src/hosts/kept/place.js';
import { attack } from './attack.js';

const { uid } = userInfo();
const runtime = `/run/user/${uid}`;
const saved = { TMPDIR: process.env.TMPDIR, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR };

/** Where there is a directory for this user alone, /tmp is not used. */
describe.skipIf(existsSync(runtime))('the directory of kept logins in /tmp', () => {
  let top: string;
  let mine: string;
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'scailfin-attack-'));
    chmodSync(top, 0o1777);
    mine = join(top, `scailfin-${uid}`);
    process.env.TMPDIR = top;
    delete process.env.XDG_RUNTIME_DIR;
  });
  afterEach(() => {
    for (const [name, value] of Object.entries(saved)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(top, { recursive: true, force: true });
  });

  it('is for its owner alone', () => {
    makeKeptDir();
    expect(lstatSync(mine).mode & 0o777).toBe(0o700);
  });

  attack(
    { by: 'another user', on: 'here', what: 'plants the directory of kept logins: a link, a file, open to all' },
    count => {
      const elsewhere = join(top, 'elsewhere');
      mkdirSync(elsewhere, { mode: 0o700 });
      const plants: (() => void)[] = [
        () => symlinkSync(elsewhere, mine),
        () => symlinkSync('nowhere', mine),
        () => writeFileSync(mine, ''),
        ...[0o777, 0o1777, 0o750, 0o707, 0o710].map(mode => () => {
          mkdirSync(mine);
          chmodSync(mine, mode);
        }),
      ];
      const others = () => {
        mkdirSync(mine, { mode: 0o700 });
        chownSync(mine, 12_345, 12_345);
      };
      // only root can give a directory away
      if (uid === 0) plants.push(others);
      for (const plant of plants) {
        count();
        plant();
        expect(() => keptDir()).toThrow('it is not yours alone');
        expect(() => makeKeptDir()).toThrow('it is not yours alone');
        rmSync(mine, { recursive: true, force: true });
      }
    },
  );

  attack(
    { by: 'another user', on: 'here', what: "names another directory as this user's own by its environment" },
    count => {
      const planted = join(top, 'run');
      mkdirSync(planted);
      for (const mode of [0o777, 0o755]) {
        count();
        chmodSync(planted, mode);
        process.env.XDG_RUNTIME_DIR = planted;
        expect(keptDir()).toBe(mine);
      }
      count();
      process.env.XDG_RUNTIME_DIR = 'relative';
      expect(keptDir()).toBe(mine);
    },
  );
});

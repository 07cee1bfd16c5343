import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProfileError, UsageError } from '../../src/errors.js';
import { configFile, configText, getKey, loadConfig, setKey, unsetKey } from '../../src/sites/config.js';
import { temporaryConfig } from './temp.js';

temporaryConfig();

function write(text: string): void {
  mkdirSync(dirname(configFile()), { recursive: true });
  writeFileSync(configFile(), text);
}
const written = () => readFileSync(configFile(), 'utf8');

/** What a UsageError says. */
async function complaint(done: Promise<void>): Promise<string> {
  const error: unknown = await done.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UsageError);
  return (error as UsageError).message;
}

const commented = `# my defaults
idleTimeout: 20m # short, I pay for it

sites:
  # summer school
  bridges:
    account: abc123p
    walltime: 2h
port: 9700
`;

describe('the configuration', () => {
  it('is all defaults without a file, and with one of comments only', async () => {
    expect(await loadConfig()).toEqual({ sites: {} });
    expect(await getKey('sites.bridges.account')).toBeUndefined();
    expect(await configText()).toBe('');
    write('# nothing\n\n');
    expect(await loadConfig()).toEqual({ sites: {} });
  });

  it('is read with its units', async () => {
    write(commented);
    expect(await loadConfig()).toEqual({
      idleTimeout: 1200,
      port: 9700,
      sites: { bridges: { account: 'abc123p', walltime: 7200 } },
    });
    expect(await getKey('sites.bridges.walltime')).toBe('2h');
    expect(await getKey('sites.bridges')).toEqual({ account: 'abc123p', walltime: '2h' });
  });

  it('keeps comments and order when a value changes', async () => {
    write(commented);
    await setKey('sites.bridges.account', 'xyz');
    await setKey('port', '9800');
    expect(written()).toBe(commented.replace('abc123p', 'xyz').replace('9700', '9800'));
    await setKey('sites.nersc.account', '0123');
    expect((await loadConfig()).sites.nersc).toEqual({ account: '0123' });
    expect(written()).toContain('# summer school');
    await unsetKey('sites.nersc.account');
    expect(written()).toBe(commented.replace('abc123p', 'xyz').replace('9700', '9800'));
  });

  it('is made for the user alone, and is empty again after the last unset', async () => {
    await setKey('sites.bridges.nodes', '4');
    expect(statSync(configFile()).mode & 0o777).toBe(0o600);
    expect(written()).toBe('sites:\n  bridges:\n    nodes: 4\n');
    await setKey('sites.bridges.nodes', '');
    expect(written()).toBe('');
    expect(await loadConfig()).toEqual({ sites: {} });
  });

  it('takes true and false', async () => {
    await setKey('sites.bridges.relay', 'false');
    expect(written()).toBe('sites:\n  bridges:\n    relay: false\n');
    expect((await loadConfig()).sites.bridges).toEqual({ relay: false });
    await expect(setKey('sites.bridges.relay', 'no')).rejects.toThrow('must be true or false');
  });

  it('takes a list as YAML or as its only member, and GPUs as after --gpus', async () => {
    await setKey('sites.bridges.directives', '--reservation=tutorial');
    expect((await loadConfig()).sites.bridges?.directives).toEqual(['--reservation=tutorial']);
    await setKey('sites.bridges.directives', '[--qos=high, -C EGRESS]');
    await setKey('sites.bridges.gpus', '2');
    expect((await loadConfig()).sites.bridges).toEqual({ directives: ['--qos=high', '-C EGRESS'], gpus: { count: 2 } });
    write('sites: {bridges: {gpus: 4}, nersc: {gpus: "2:a100"}}\n');
    expect((await loadConfig()).sites).toEqual({
      bridges: { gpus: { count: 4 } },
      nersc: { gpus: { count: 2, type: 'a100' } },
    });
  });

  it('keeps the comments of a file that has nothing else', async () => {
    write('# mine\n');
    await setKey('port', '9700');
    expect(written()).toContain('# mine\n');
    expect((await loadConfig()).port).toBe(9700);
    await unsetKey('port');
    expect(written()).toBe('# mine\n');
  });

  it.each([
    ['sites.bridges.walltime', '4', 'sites.bridges.walltime: "4" is not a duration; write 30m, 2h, 1d12h or 02:00:00'],
    ['sites.bridges.gpus', 'many', 'sites.bridges.gpus: "many" is not a number of GPUs; write 2, or 2:TYPE'],
    ['sites.bridges.nodes', 'many', 'sites.bridges.nodes: must be a whole number, not "many"'],
    ['port', '99', 'port: must be 1024 or more, not 99'],
    ['headnode', '-oProxyCommand=x', 'headnode must be local, login or [user@]host, not "-oProxyCommand=x"'],
    ['htcondor.source', 'tarball', 'the key "from" is missing in htcondor\nthe key "sha256" is missing in htcondor'],
    [
      'sites.bridges.acount',
      'x',
      'unknown configuration key sites.bridges.acount; did you mean sites.bridges.account?',
    ],
    ['prot', '1', 'unknown configuration key prot; did you mean port?'],
    ['sites.', '1', 'unknown configuration key sites.'],
    [
      'htcondor',
      'tarball',
      'htcondor is a group of keys: htcondor.source, htcondor.from, htcondor.sha256, htcondor.module',
    ],
  ])('refuses %s = %s and writes nothing', async (key, value, message) => {
    expect(await complaint(setKey(key, value))).toBe(message);
    expect(existsSync(configFile())).toBe(false);
  });

  it('takes keys that need each other at once', async () => {
    const value = `{source: tarball, from: 'https://x.org/condor.tgz', sha256: '${'0'.repeat(64)}'}`;
    await setKey('htcondor', value);
    expect((await loadConfig()).htcondor).toMatchObject({ source: 'tarball', sha256: '0'.repeat(64) });
  });

  it('shows where a broken file is wrong, and does not touch it', async () => {
    write('port: 9700\nheadnod: local\n');
    await expect(loadConfig()).rejects.toThrow(`${configFile()}:2:1: unknown key "headnod"; did you mean headnode?`);
    await expect(setKey('port', '9800')).rejects.toThrow(ProfileError);
    expect(written()).toBe('port: 9700\nheadnod: local\n');
    await expect(unsetKey('idleTimeout')).rejects.toThrow(ProfileError);
  });

  it('says so when there is nothing to unset', async () => {
    expect(await complaint(unsetKey('port'))).toBe('port is not set');
  });
});

it('takes what is somebody else’s, Helm’s values for one, as YAML', async () => {
  await setKey('reana.values.shared_storage', '{backend: cephfs, volume_size: 20}');
  await setKey('reana.values.debug', 'off');
  expect((await loadConfig()).reana?.values).toEqual({
    shared_storage: { backend: 'cephfs', volume_size: 20 },
    debug: 'off',
  });
});

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../errors.js';
import { type ConfigFile, readConfig } from '../sshinclude.js';
import type { SshTarget } from '../target.js';
import { type ConfigSource, homeOf } from './source.js';

/**
 * The values of ssh_config(5) for `target`, read by ourselves: the first value found counts, and the user's file comes
 * before the system's. Include is followed; `Match exec` never runs anything and never matches.
 * @throws UsageError for a configuration that can't be read
 */
export function ownValues(target: SshTarget, source: ConfigSource): (keyword: string) => readonly string[] {
  const found = readConfig(configFiles(source)).compute(
    { Host: target.host, ...(target.user === undefined ? {} : { User: target.user }) },
    { ignoreCase: true, matchExec: false },
  );
  return keyword => [found[keyword] ?? []].flat();
}

/** The files that count, the user's first; those that do not exist are left out. @throws UsageError */
export function configFiles({ configFile, env = process.env }: ConfigSource): ConfigFile[] {
  const sshDir = path.join(homeOf(env), '.ssh');
  if (configFile === 'none') return [];
  if (configFile !== undefined) {
    if (!existsSync(configFile)) throw new UsageError(`the file ${configFile} does not exist`);
    return [{ file: configFile, text: readFileSync(configFile, 'utf8'), includeFrom: sshDir }];
  }
  const places = [
    { file: path.join(sshDir, 'config'), includeFrom: sshDir },
    { file: '/etc/ssh/ssh_config', includeFrom: '/etc/ssh' },
  ];
  return places.filter(p => existsSync(p.file)).map(p => ({ ...p, text: readFileSync(p.file, 'utf8') }));
}

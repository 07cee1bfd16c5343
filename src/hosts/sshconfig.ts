import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type SSHConfig from 'ssh-config';
import { UsageError } from '../errors.js';
import { type GsiSettings, gsiSettings } from './gsi/settings.js';
import { readConfig } from './sshinclude.js';
import { checkTarget, parseTarget, type SshTarget, wholeNumber } from './target.js';

/** The settings of ssh_config(5) for one host, as far as they are supported. */
export interface SshSettings {
  /** The name that was asked for. */
  readonly alias: string;
  /** HostName, with %h and %n filled in. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  /** False if `identityFiles` are only the defaults. */
  readonly identitiesNamed: boolean;
  readonly identitiesOnly: boolean;
  readonly certificateFiles: readonly string[];
  /** Authentication methods that may be tried, in their order. */
  readonly methods: readonly string[];
  /** Undefined: gssapi-with-mic is not tried. */
  readonly gsi: GsiSettings | undefined;
  /** The command that gets a new certificate, for hints. */
  readonly renewal: string | undefined;
  /** The socket of the agent, or undefined for none. */
  readonly agent: string | undefined;
  readonly jumps: readonly SshTarget[];
  readonly proxyCommand: string | undefined;
  readonly knownHosts: readonly string[];
  readonly globalKnownHosts: readonly string[];
  readonly strict: 'yes' | 'accept-new' | 'ask';
  readonly hostKeyAlias: string | undefined;
  readonly hashKnownHosts: boolean;
  readonly connectTimeoutMs: number | undefined;
  /** Seconds between keep-alive messages; 0 means off, undefined means our default. */
  readonly keepaliveS: number | undefined;
  readonly keepaliveCount: number | undefined;
}

export interface ConfigSource {
  /** To be read instead of ~/.ssh/config and /etc/ssh/ssh_config; `none` reads nothing, as `ssh -F none`. */
  readonly configFile?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Takes precedence over the configuration files. */
  readonly auth?:
    | {
        identityFiles?: readonly string[] | undefined;
        identitiesOnly?: boolean | undefined;
        renewal?: string | undefined;
      }
    | undefined;
}

/** The order of ssh(1). */
const defaultMethods = ['gssapi-with-mic', 'publickey', 'keyboard-interactive', 'password'];
const defaultKeys = ['id_rsa', 'id_ecdsa', 'id_ed25519'];

/**
 * The settings of ssh_config(5) for `target`: the first value found counts, and the user's file comes before the
 * system's. Include is followed; `Match exec` never runs anything and never matches.
 * @throws UsageError for a configuration that can't be read or a value that can't be used
 */
export function sshSettings(target: SshTarget, source: ConfigSource = {}): SshSettings {
  checkTarget(target);
  const env = source.env ?? process.env;
  const home = homeOf(env);
  const config = load(source.configFile, home);
  const found = config.compute(
    { Host: target.host, ...(target.user === undefined ? {} : { User: target.user }) },
    { ignoreCase: true, matchExec: false },
  );
  const all = (key: string): string[] => [found[key] ?? []].flat();
  const get = (key: string): string | undefined => all(key)[0];
  const local = localUser();
  const user = target.user ?? get('user') ?? local;
  const port = target.port ?? wholeNumber('Port', get('port') ?? '22', 1, 65535);
  const host = tokens(get('hostname') ?? target.host, { '%': '%', h: target.host, n: target.host });
  const values = {
    '%': '%',
    d: home,
    h: host,
    i: String(os.userInfo().uid),
    k: get('hostkeyalias') ?? target.host,
    l: os.hostname(),
    L: os.hostname().split('.')[0] ?? '',
    n: target.host,
    p: String(port),
    r: user,
    u: local,
  };
  const file = (text: string): string => expandHome(tokens(environment(text, env), values), home);
  const files = (key: string, fallback: string[]): string[] => {
    const words = all(key).flatMap(splitWords);
    if (words[0]?.toLowerCase() === 'none') return [];
    return (words.length > 0 ? words : fallback).map(file);
  };
  const listed = [...(source.auth?.identityFiles ?? []), ...all('identityfile')];
  const named = listed.filter(f => f.toLowerCase() !== 'none');
  const identities = listed.length > 0 ? named : defaultKeys.map(k => `~/.ssh/${k}`);
  const jump = get('proxyjump');
  return {
    alias: target.host,
    host,
    port,
    user,
    identityFiles: identities.map(file),
    identitiesNamed: named.length > 0,
    identitiesOnly: source.auth?.identitiesOnly ?? yes(get('identitiesonly')),
    certificateFiles: files('certificatefile', []),
    methods: methods(get),
    gsi: gsiSettings(target, get, { host, user, env }),
    renewal: source.auth?.renewal,
    agent: agentSocket(get('identityagent'), env, file),
    jumps: jump === undefined || jump.toLowerCase() === 'none' ? [] : jump.split(',').map(parseTarget),
    proxyCommand: jump === undefined && get('proxycommand') !== 'none' ? get('proxycommand') : undefined,
    knownHosts: files('userknownhostsfile', ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
    globalKnownHosts: files('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
    strict: strictness(get('stricthostkeychecking')),
    hostKeyAlias: get('hostkeyalias'),
    hashKnownHosts: yes(get('hashknownhosts')),
    connectTimeoutMs: milliseconds(get('connecttimeout')),
    keepaliveS: seconds('ServerAliveInterval', get('serveraliveinterval')),
    keepaliveCount: seconds('ServerAliveCountMax', get('serveralivecountmax')),
  };
}

/** The home directory that `~` means in ssh; HOME takes precedence, so that tests and containers can move it. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  return env.HOME || os.homedir();
}

function load(configFile: string | undefined, home: string): SSHConfig {
  const sshDir = path.join(home, '.ssh');
  if (configFile === 'none') return readConfig([]);
  if (configFile !== undefined) {
    if (!existsSync(configFile)) throw new UsageError(`the file ${configFile} does not exist`);
    return readConfig([{ file: configFile, text: readFileSync(configFile, 'utf8'), includeFrom: sshDir }]);
  }
  const places = [
    { file: path.join(sshDir, 'config'), includeFrom: sshDir },
    { file: '/etc/ssh/ssh_config', includeFrom: '/etc/ssh' },
  ];
  return readConfig(places.filter(p => existsSync(p.file)).map(p => ({ ...p, text: readFileSync(p.file, 'utf8') })));
}

function agentSocket(
  setting: string | undefined,
  env: NodeJS.ProcessEnv,
  file: (text: string) => string,
): string | undefined {
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK || undefined;
  if (setting === 'none') return undefined;
  if (setting.startsWith('$')) return env[setting.slice(1).replace(/^\{(.*)\}$/, '$1')] || undefined;
  return file(setting);
}

/**
 * PreferredAuthentications without the methods that are switched off; methods that the server does not accept are skipped
 * later.
 */
function methods(get: (key: string) => string | undefined): string[] {
  const off = (...keys: string[]): boolean => keys.some(key => get(key)?.toLowerCase() === 'no');
  const unwanted = [
    ...(off('pubkeyauthentication') ? ['publickey'] : []),
    ...(off('kbdinteractiveauthentication', 'challengeresponseauthentication') ? ['keyboard-interactive'] : []),
    ...(off('passwordauthentication') ? ['password'] : []),
  ];
  const preferred = get('preferredauthentications')?.split(',') ?? defaultMethods;
  return preferred.map(method => method.trim()).filter(method => !unwanted.includes(method));
}

/** `no` would trust every server; it is treated as `accept-new`, which never accepts a changed key. */
function strictness(value: string | undefined): 'yes' | 'accept-new' | 'ask' {
  switch (value?.toLowerCase()) {
    case 'yes':
    case 'true':
      return 'yes';
    case 'no':
    case 'off':
    case 'false':
    case 'accept-new':
      return 'accept-new';
    default:
      return 'ask';
  }
}

function yes(value: string | undefined): boolean {
  return value?.toLowerCase() === 'yes' || value?.toLowerCase() === 'true';
}

function seconds(what: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : wholeNumber(what, text.replace(/s$/i, ''), 0, 86_400);
}

function milliseconds(text: string | undefined): number | undefined {
  if (text === undefined || text.toLowerCase() === 'none') return undefined;
  return (seconds('ConnectTimeout', text) ?? 0) * 1000 || undefined;
}

function splitWords(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(m => m[1] ?? m[2] ?? '');
}

function tokens(text: string, values: Record<string, string>): string {
  return text.replace(/%(.)/g, (all, name: string) => values[name] ?? all);
}

function environment(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/\$\{([^}]+)\}/g, (all, name: string) => env[name] ?? all);
}

function expandHome(file: string, home: string): string {
  return file === '~' || file.startsWith('~/') ? path.join(home, file.slice(1)) : path.resolve(home, file);
}

function localUser(): string {
  try {
    return os.userInfo().username;
  } catch {
    return process.env.USER ?? 'root';
  }
}

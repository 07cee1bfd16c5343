import os from 'node:os';
import { lookUp } from './config/lookup.js';
import { type ConfigSource, homeOf, type Lookup, localUser } from './config/source.js';
import { environment, expandHome, fillIn } from './config/tokens.js';
import { type GsiSettings, gsiSettings } from './gsi/settings.js';
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
  readonly algorithms: AlgorithmWishes;
  /** The program that was asked what the configuration means, or why none was. */
  readonly readBy: Lookup['by'];
}

/** The keywords for algorithms, as `ssh -G` names them today, and as older versions do. */
const algorithmKeywords = {
  kex: ['kexalgorithms'],
  hostKeys: ['hostkeyalgorithms'],
  signatures: ['pubkeyacceptedalgorithms', 'pubkeyacceptedkeytypes'],
  ciphers: ['ciphers'],
  macs: ['macs'],
} as const;

export type AlgorithmKind = keyof typeof algorithmKeywords;

/**
 * The algorithms that the configuration asks for, as ssh_config(5) writes them: a list, or a change of the default one,
 * which begins with `+`, `-` or `^`. What it leaves as it is has no entry.
 */
export type AlgorithmWishes = Readonly<Partial<Record<AlgorithmKind, string>>>;

/** The order of ssh(1). */
const defaultMethods = ['gssapi-with-mic', 'publickey', 'keyboard-interactive', 'password'];
const defaultKeys = ['id_rsa', 'id_ecdsa', 'id_ed25519'];

/**
 * The settings of ssh_config(5) for `target`: as the system's ssh understands its files, or read by ourselves where
 * there is no ssh.
 * @throws UsageError for a configuration that can't be read or a value that can't be used
 */
export function sshSettings(target: SshTarget, source: ConfigSource = {}): SshSettings {
  checkTarget(target);
  const env = source.env ?? process.env;
  const home = homeOf(env);
  const found = lookUp(target, source);
  const { host, all } = found;
  const get = (key: string): string | undefined => all(key)[0];
  const local = localUser();
  const user = target.user ?? get('user') ?? local;
  const port = target.port ?? wholeNumber('Port', get('port') ?? '22', 1, 65535);
  const values = {
    '%': '%',
    d: home,
    h: host,
    i: String(process.getuid?.() ?? ''),
    k: get('hostkeyalias') ?? target.host,
    l: os.hostname(),
    L: os.hostname().split('.')[0] ?? '',
    n: target.host,
    p: String(port),
    r: user,
    u: local,
  };
  const file = (text: string): string => expandHome(fillIn(environment(text, env), values), home);
  const files = (key: string, fallback: string[]): string[] => {
    const words = found.paths(key);
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
    algorithms: wishes(get),
    readBy: found.by,
  };
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
  const off = (...keys: string[]): boolean => keys.some(key => /^(no|false)$/i.test(get(key) ?? ''));
  const unwanted = [
    ...(off('pubkeyauthentication') ? ['publickey'] : []),
    ...(off('kbdinteractiveauthentication', 'challengeresponseauthentication') ? ['keyboard-interactive'] : []),
    ...(off('passwordauthentication') ? ['password'] : []),
  ];
  const preferred = get('preferredauthentications')?.split(',') ?? defaultMethods;
  return preferred.map(method => method.trim()).filter(method => !unwanted.includes(method));
}

function wishes(get: (key: string) => string | undefined): AlgorithmWishes {
  const kinds = Object.entries(algorithmKeywords) as [AlgorithmKind, readonly string[]][];
  return Object.fromEntries(
    kinds.flatMap(([kind, keywords]) => {
      const value = keywords.map(get).find(text => text !== undefined);
      return value === undefined ? [] : [[kind, value]];
    }),
  );
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

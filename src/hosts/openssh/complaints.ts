import { AuthError, ConnectionError, HostKeyError, ScailfinError, UsageError } from '../../errors.js';
import { commandLine } from '../../shell.js';
import { unknownKeyHint } from '../hostkeys.js';
import { knownName } from '../knownhosts.js';
import { unansweredHint } from '../questions.js';
import type { SshSettings } from '../sshconfig.js';
import { inWords, unreachable } from '../unreachable.js';
import type { SshLog } from './log.js';

/** What is known about a failed login. */
export interface Failure {
  readonly way: readonly SshSettings[];
  /** `ssh`, `gsissh` */
  readonly program: string;
  readonly log: SshLog;
  /** The question that nobody could answer. */
  readonly unanswered: string | undefined;
  /** Keys whose passphrase nobody could give. */
  readonly locked: readonly string[];
  /** The user refused a host key. */
  readonly refusedKey: boolean;
}

/**
 * Turns the last messages of ssh into the same error that ssh2 would have caused; names the host on the way that failed.
 */
export function complaint(failure: Failure): ScailfinError {
  const { way, log } = failure;
  const at = Math.min(log.passed, way.length - 1);
  const settings = way[at] as SshSettings;
  const error = about(settings, failure);
  if (at < way.length - 1) {
    error.message = `on the way to ${way.at(-1)?.alias} (jump host ${settings.alias}): ${error.message}`;
  }
  return error;
}

function about(settings: SshSettings, failure: Failure): ScailfinError {
  const { log, program } = failure;
  const said = log.said.join('\n');
  return (
    ofHostKey(settings, said, failure) ??
    ofConfiguration(said, program) ??
    ofNetwork(settings, said, failure) ??
    (log.offered.length > 0 || /Permission denied|Too many authentication failures/.test(said)
      ? ofLogin(settings, failure)
      : new ConnectionError(`${program} could not connect to ${settings.alias}${quoted(log.said, program)}`, {
          hint: `to see its own messages: ${program} -v ${settings.user}@${settings.alias}`,
        }))
  );
}

function ofHostKey(settings: SshSettings, said: string, { log, refusedKey, unanswered }: Failure) {
  const { alias } = settings;
  const shown = log.hostKeys.at(-1);
  const key = shown ? `${shown.type} ${shown.fingerprint}` : 'its key';
  const between = 'somebody may be between you and the host';
  if (/REVOKED HOST KEY/.test(said)) {
    return new HostKeyError(`${alias} shows a key that is marked as revoked: ${key}`, {
      hint: `${between}: do not connect, and ask the site`,
    });
  }
  if (/HOST IDENTIFICATION HAS CHANGED/.test(said)) {
    const [, file, line] = /^Offending (?:\S+ )?key in (.*):(\d+)$/m.exec(said) ?? [];
    const name = settings.hostKeyAlias ?? knownName(settings.host, settings.port);
    const remove = commandLine(['ssh-keygen', '-R', name, ...(file === undefined ? [] : ['-f', file])]);
    return new HostKeyError(
      [
        `the host key of ${alias} has changed`,
        ...(file === undefined ? [] : [`  known: ${file}:${line}`]),
        `  shown: ${key}`,
      ].join('\n'),
      {
        hint: `${between}. Compare the shown fingerprint with the site's; only if the site confirms it: ${remove}`,
      },
    );
  }
  if (refusedKey) {
    return new HostKeyError(`the host key of ${alias} was not accepted: ${key}`, {
      hint: 'compare it with what the site publishes and try again',
    });
  }
  if (isAboutHostKey(unanswered ?? '') || /host key is known for|Host key verification failed/.test(said)) {
    return new HostKeyError(`the host key of ${alias} is not known: ${key}`, { hint: unknownKeyHint(settings) });
  }
  return undefined;
}

/** Whether ssh asks if a host key is right. */
export const isAboutHostKey = (question: string): boolean => /\(yes\/no(\/\[fingerprint\])?\)\?\s*$/.test(question);

function ofConfiguration(said: string, program: string): ScailfinError | undefined {
  const [line] = /^(?:command-line.*|.*(?:unknown|illegal) option -- .*)$/m.exec(said) ?? [];
  if (line !== undefined) {
    return new ScailfinError(`the ${program} here does not know what it was told: ${line}`, {
      hint: `put a newer ${program} first in PATH, or use --transport ssh2`,
    });
  }
  const [wrong] = /^(?:\S*: line \d+: |Bad owner or permissions on ).*$/m.exec(said) ?? [];
  return wrong === undefined ? undefined : new UsageError(wrong, { hint: 'correct that file, or ask who wrote it' });
}

/** The texts of ssh for system errors (from strerror), and ours. */
const causes: readonly [RegExp, string][] = [
  [/refused/i, 'ECONNREFUSED'],
  [/timed out/i, 'ETIMEDOUT'],
  [/No route to host/i, 'EHOSTUNREACH'],
  [/Network is unreachable/i, 'ENETUNREACH'],
  [/Temporary failure in name resolution/i, 'EAI_AGAIN'],
  [/not known|No address associated|nodename nor servname/i, 'ENOTFOUND'],
  [/reset by/i, 'ECONNRESET'],
];

function ofNetwork(settings: SshSettings, said: string, { way, log }: Failure): ConnectionError | undefined {
  const words = (text: string): string => {
    const code = causes.find(([pattern]) => pattern.test(text))?.[1];
    return code === undefined ? text.trim() : inWords(Object.assign(new Error(text), { code }));
  };
  const [, why] =
    /(?:Could not resolve hostname \S+|connect to (?:host|address) \S+ port \d+): (.*)$/m.exec(said) ?? [];
  if (why !== undefined) return unreachable(settings, words(why));
  const [, tunnel] = /open failed: (?:connect failed: )?(.*)$/m.exec(said) ?? [];
  if (tunnel !== undefined && log.passed > 0) {
    const before = way[way.indexOf(settings) - 1] ?? settings;
    return unreachable(settings, `${before.user}@${before.host} could not connect to it (${tunnel})`);
  }
  if (log.offered.length > 0) return undefined;
  if (settings.proxyCommand !== undefined && /Connection closed|Broken pipe|Connection reset/.test(said)) {
    const own = log.said.filter(line => !/^(kex_exchange_identification: |Connection closed by UNKNOWN )/.test(line));
    return unreachable(settings, `its ProxyCommand gave up${quoted(own, 'it')}`);
  }
  if (log.greeting !== undefined)
    return unreachable(settings, `it does not answer as an SSH server, but: ${log.greeting}`);
  if (/timed out/.test(said)) return unreachable(settings, 'no answer');
  if (/Connection (closed|reset)/.test(said))
    return unreachable(settings, 'it closed the connection before it identified itself');
  return undefined;
}

function ofLogin(settings: SshSettings, { log, unanswered, locked, program }: Failure): AuthError {
  const { alias, user, host } = settings;
  const { tried, offered, gssapi } = log;
  const parts = [
    `${alias} did not accept ${user}`,
    `tried: ${tried.length > 0 ? tried.join(', ') : 'nothing, for want of a key'}`,
    ...(offered.length > 0 ? [`the server takes: ${offered.join(', ')}`] : []),
    ...(gssapi !== undefined && offered.some(name => name.startsWith('gssapi')) ? [`GSSAPI: ${gssapi}`] : []),
    ...locked.map(file => `the key ${file} has a passphrase and nobody can be asked`),
    ...log.said.slice(-3).map(line => `${program} says: ${line}`),
    ...(unanswered === undefined ? [] : [`it asks ${user} for ${JSON.stringify(unanswered)}, and nobody can answer`]),
  ];
  return new AuthError(parts.join('\n  '), { hint: cure(), needsPerson: unanswered !== undefined });

  function cure(): string {
    if (locked[0] !== undefined) return commandLine(['ssh-add', locked[0]]);
    if (settings.renewal !== undefined) return `to get a key: ${settings.renewal}`;
    if (unanswered !== undefined) return unansweredHint(settings);
    return `to see the messages of a plain login: ${program} -v ${user}@${host}`;
  }
}

function quoted(lines: readonly string[], who: string): string {
  return lines.length === 0 ? '' : `; ${who} said:\n  ${lines.slice(-5).join('\n  ')}`;
}

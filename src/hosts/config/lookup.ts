import type { SshTarget } from '../target.js';
import { ask, defaultsOf } from './asked.js';
import { ownValues } from './own.js';
import { type ConfigSource, type Lookup, localUser } from './source.js';
import { fillIn, splitUnquoted } from './tokens.js';

/**
 * What ssh_config(5) says for `target`, as the system's own program understands it: it knows `Match exec`, `Match
 * localnetwork`, CanonicalizeHostname and whatever comes next. Without such a program we read the files ourselves.
 * @throws UsageError for a configuration that can't be used
 */
export function lookUp(target: SshTarget, source: ConfigSource): Lookup {
  const program = target.transport === 'gsissh' ? 'gsissh' : 'ssh';
  const answer = ask(program, target, source);
  if (answer === undefined) return ownLookup(target, source, `no ${program} here can be asked`);
  const defaults = defaultsOf(program, source);
  // a value that is the default counts as not set, as if nobody had written it
  const all = (keyword: string): readonly string[] => {
    const values = answer.get(keyword) ?? [];
    return same(values, defaults?.get(keyword) ?? []) ? [] : values;
  };
  // an OpenSSH that was built without GSSAPI does not say what the file says about it; the account that a proxy's owner
  // names himself may be the one that is the default
  const own = (keyword: string): readonly string[] => ownValues(target, source)(keyword);
  const knowsGssapi = defaults?.has('gssapiauthentication') === true;
  return {
    by: { program },
    host: answer.get('hostname')?.[0] ?? target.host,
    all: keyword => {
      if (keyword.startsWith('gssapi') && !knowsGssapi) return own(keyword);
      if (keyword === 'user' && target.gsi !== undefined && all('user').length === 0)
        return own('user').filter(name => name === localUser());
      return all(keyword);
    },
    paths: keyword => all(keyword).flatMap(splitUnquoted),
  };
}

function ownLookup(target: SshTarget, source: ConfigSource, none: string): Lookup {
  const all = ownValues(target, source);
  const host = fillIn(all('hostname')[0] ?? target.host, { '%': '%', h: target.host, n: target.host });
  return { by: { none }, host, all, paths: keyword => all(keyword).flatMap(splitUnquoted) };
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((value, index) => value === b[index]);

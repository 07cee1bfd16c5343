import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AuthError, messageOf, UsageError } from '../../errors.js';

/** One server of a VO. */
export interface VomsServer {
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  /** The server's name on one line. */
  readonly name: string;
  readonly vo: string;
}

/**
 * The places of the lists of VO servers: the files or directories in X509_VOMSES and VOMS_USERCONF if one of them is set;
 * otherwise the user's (~/.glite/vomses, ~/.voms/vomses) and the machine's (/etc/vomses).
 */
export function vomsesPlaces(env: NodeJS.ProcessEnv = process.env): string[] {
  const named = [env.X509_VOMSES, env.VOMS_USERCONF].flatMap(list => list?.split(':').filter(Boolean) ?? []);
  if (named.length > 0) return named;
  const home = env.HOME ?? homedir();
  return [join(home, '.glite', 'vomses'), join(home, '.voms', 'vomses'), '/etc/vomses'];
}

/**
 * The servers of a VO, by its name or by an alias.
 * @throws AuthError naming the places if none was found, or the file and line that can't be read
 */
export function vomsServers(vo: string, places = vomsesPlaces()): VomsServer[] {
  const all = places.flatMap(filesAt).flatMap(file => parseVomses(read(file), file));
  const found = all.filter(server => server.alias === vo || server.vo === vo);
  if (found.length > 0) return found;
  const known = [...new Set(all.map(server => server.vo))];
  throw new AuthError(`no server of the VO ${vo} is listed in ${places.join(', ')}`, {
    hint:
      known.length > 0
        ? `VOs listed there: ${known.join(', ')}`
        : 'get the line for vomses from the VO and put it into ~/.glite/vomses',
  });
}

/** Lines of `"alias" "host" "port" "name" "vo"`. @throws AuthError naming file and line */
export function parseVomses(text: string, file: string): VomsServer[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.trim().startsWith('#')) return [];
    const [alias, host, port, name, vo] = [...line.matchAll(/"([^"]*)"/g)].map(match => match[1] as string);
    const number = Number(port);
    if (!alias || !host || !name || !vo || !(number > 0 && number < 65536)) {
      throw new AuthError(`${file}:${index + 1}: not understood: ${line.trim()}`, {
        hint: 'a line has five words in quotes: "alias" "host" "port" "name of the server\'s certificate" "VO"',
      });
    }
    return [{ alias, host, port: number, name, vo }];
  });
}

/** A file, or the files of a directory; none if it does not exist. */
function filesAt(place: string): string[] {
  const there = statSync(place, { throwIfNoEntry: false });
  if (there === undefined) return [];
  if (!there.isDirectory()) return [place];
  return readdirSync(place)
    .sort()
    .map(name => join(place, name))
    .filter(file => statSync(file, { throwIfNoEntry: false })?.isFile());
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AuthError(`the list of VOs' servers ${file} can't be read: ${messageOf(error)}`);
  }
}

/** A request to a VO. */
export interface VomsRequest {
  readonly vo: string;
  /** Groups and roles, the primary one first; empty: what the VO gives to each member. */
  readonly fqans: readonly string[];
}

/**
 * `vo`, `vo:/vo/group`, `vo:/vo/group/Role=admin,/vo/other`
 * @throws UsageError
 */
export function parseVomsRequest(text: string): VomsRequest {
  const [, vo = '', list] = /^([^:/\s]+)(?::(.*))?$/.exec(text) ?? [];
  const fqans = list === undefined ? [] : list.split(',');
  const right = (fqan: string): boolean => /^(\/[A-Za-z0-9._-]+)+(\/Role=[A-Za-z0-9._-]+)?$/.test(fqan);
  if (vo !== '' && fqans.every(right)) return { vo, fqans };
  throw new UsageError(`not understood as a VO: ${text}`, {
    hint: 'write VO, VO:/VO/GROUP or VO:/VO/GROUP/Role=ROLE; several with commas',
  });
}

import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../errors.js';
import { scratchDir } from '../../scratch.js';
import { type ConfigFile, deepest, included } from '../sshinclude.js';
import { configFiles } from './own.js';
import { type ConfigSource, homeOf, isMoved } from './source.js';
import { splitWords } from './tokens.js';

export interface MovedConfig {
  readonly file: string;
  readonly originals: ReadonlyMap<string, string>;
  remove(): void;
}

/**
 * The file for ssh's option `-F`, so that it reads what we mean.
 * @returns `file` undefined: ssh's usual files are right
 * @throws UsageError for a file that does not exist
 */
export function configFor(source: ConfigSource): Partial<MovedConfig> {
  if (source.configFile === 'none') return { file: '/dev/null' };
  if (isMoved(source)) return movedConfig(source);
  return source.configFile === undefined ? {} : { file: source.configFile };
}

/** Keywords whose values are paths, in which ssh would replace `~` and `%d` by the account's directory. */
const withPaths = /^(userknownhostsfile|identityfile|certificatefile|identityagent|controlpath)$/i;

/** `Keyword value`, `Keyword=value` (ssh_config(5)). */
const setting = /^(\s*)([A-Za-z]\w*)(\s*=\s*|\s+)(.*)$/;

/**
 * A copy of the configuration for an ssh whose account has another home directory than HOME says: `~`, `%d` and
 * relative paths of Include are written out. Without this, `ssh -F` would read includes of the account's own directory,
 * and leave out the system's file.
 * @returns the copy's file for `-F`, and the original of each copied file; the caller removes them
 */
function movedConfig(source: ConfigSource): MovedConfig {
  const files = configFiles(source);
  const home = homeOf(source.env ?? process.env);
  const dir = scratchDir();
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  const originals = new Map<string, string>();
  const copy = (file: ConfigFile, depth: number): string => {
    if (depth > deepest) throw new UsageError(`the Include lines form a circle in ${file.file}`);
    const lines = file.text.split('\n').map(line => {
      const [, indent, keyword = '', between, value = ''] = setting.exec(line) ?? [];
      if (/^include$/i.test(keyword)) {
        const copies = included(splitWords(value), file).map(inner => `"${copy(inner, depth + 1)}"`);
        // the numbers of lines stay the same, for messages
        return copies.length > 0 ? `${indent}Include ${copies.join(' ')}` : '';
      }
      return withPaths.test(keyword) ? `${indent}${keyword}${between}${writtenOut(value, home)}` : line;
    });
    const copied = path.join(dir, `copy${originals.size}`);
    originals.set(copied, file.file);
    return write(copied, lines);
  };
  try {
    // each file begins outside of the blocks of the one before it
    const all = files.flatMap(file => ['Match all', `Include "${copy(file, 0)}"`]);
    return { file: write(path.join(dir, 'config'), all), originals, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function write(file: string, lines: readonly string[]): string {
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

function writtenOut(value: string, home: string): string {
  const plain = home.replaceAll('%', '%%');
  return value
    .replace(/(^|[\s"])~(?=\/)/g, (_, before: string) => `${before}${plain}`)
    .replace(/%(.)/g, (all, name: string) => (name === 'd' ? plain : all));
}

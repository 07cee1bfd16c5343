/*
 * npm run --silent clients [-- VERSION…]
 * Runs each verb of the real reana-client against an edge, in each version that test/reana/edge/requirements-*.txt lists, or in those
 * that are named, and prints which of them work. Status 1 when a verb does something wrong, or when docs/help/reana.md says otherwise.
 */
import { type ClientVersion, clientVersions, reanaClient } from '../edge/client.js';
import { type Cell, cellsOf } from './cells.js';
import { columnInHelp, columnOf, refusalsOf, tableInHelp, tableOf } from './table.js';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(named: readonly string[]): Promise<number> {
  const unknown = named.filter(name => !(clientVersions as readonly string[]).includes(name));
  if (unknown.length > 0) {
    say(`usage: npm run --silent clients [-- VERSION…]; the versions are ${clientVersions.join(', ')}`);
    return 2;
  }
  const versions = named.length > 0 ? (named as readonly ClientVersion[]) : clientVersions;
  const columns = new Map<string, ReadonlyMap<string, Cell>>();
  for (const version of versions) {
    say(`reana-client ${version}: installed from PyPI if it is not here yet; that may take minutes`);
    const client = await reanaClient(version);
    if ('missing' in client) {
      say(client.missing);
      return 1;
    }
    columns.set(version, await cellsOf(client.path));
  }
  process.stdout.write(`${tableOf(columns)}\n\n`);
  for (const line of refusalsOf(columns)) process.stdout.write(`- ${line}\n`);
  const isWrong = [...columns.values()].some(column => [...column.values()].some(cell => cell.is === 'wrong'));
  if (isWrong) say('a verb that is WRONG ended as if it had worked, but did something else');
  const differs =
    named.length === 0
      ? tableInHelp() !== tableOf(columns)
      : versions.some(
          version =>
            JSON.stringify([...columnOf(columns.get(version) ?? new Map())].sort()) !==
            JSON.stringify([...columnInHelp(version)].sort()),
        );
  if (differs) say('docs/help/reana.md says otherwise: put this table there');
  return isWrong || differs ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));

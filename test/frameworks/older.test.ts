import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { describeStatus } from '../../src/cli/status.js';
import { Connections } from '../../src/cluster/connections.js';
import { down } from '../../src/cluster/down.js';
import { clusterExports } from '../../src/cluster/environment.js';
import { frameworksChanged, frameworksDiffer, offersOf } from '../../src/cluster/framework.js';
import { Journal } from '../../src/cluster/journal.js';
import type { ClusterRecord } from '../../src/cluster/record.js';
import { clusterStatus } from '../../src/cluster/status.js';
import { ConnectionError } from '../../src/errors.js';
import type { FrameworkRequest } from '../../src/frameworks/framework.js';
import { planFrameworks } from '../../src/frameworks/registry.js';
import type { Host } from '../../src/hosts/host.js';
import { temporaryState } from '../unit/temp.js';

/** Journals as they were written before frameworks were a port. */
const journals = fileURLToPath(new URL('journals', import.meta.url));
const names = readdirSync(journals).flatMap(file => file.match(/^(.*)\.jsonl$/)?.[1] ?? []);
const state = temporaryState();

function open(file: string): Journal {
  const [name = file] = file.split('-');
  const dir = join(state(), 'scailfin', 'clusters', name);
  mkdirSync(dir, { recursive: true });
  cpSync(join(journals, `${file}.jsonl`), join(dir, 'journal.jsonl'));
  return Journal.open(name);
}

const recordOf = (file: string): ClusterRecord => open(file).record as ClusterRecord;

/** No host can be reached: what a verb looks for is in what it could not do. */
class Unreachable extends Connections {
  constructor() {
    super(undefined);
  }

  override site(): Promise<Host> {
    return Promise.reject(new ConnectionError('the network is down'));
  }

  override head(): Promise<Host> {
    return Promise.reject(new ConnectionError('the network is down'));
  }
}

describe('a journal of the first scailfin', () => {
  it.each(names)('is read whole: %s', file => {
    const lines = readFileSync(join(journals, `${file}.jsonl`), 'utf8')
      .split('\n')
      .filter(Boolean);
    expect(open(file).entries).toHaveLength(lines.length);
    expect(recordOf(file)).toMatchObject({
      ...{ name: file.split('-')[0], head: { port: 9618 } },
      sites: [{ spec: { site: 'lab-slurm' }, facts: { base: '/home/alice/.scailfin' } }],
    });
  });

  it('tells what was asked for, and what was found', () => {
    const kubernetes = { kind: 'minikube', driver: 'auto' };
    const found = { name: 'reana', flavour: 'edge', scheme: 'http', port: 30443 };
    expect(recordOf('edge')).toMatchObject({ state: 'running', frameworks: [found] });
    expect(recordOf('edge').spec.frameworks).toEqual([{ name: 'reana', flavour: 'edge', kubernetes }]);
    expect(recordOf('auto').spec.frameworks).toEqual([{ name: 'reana', flavour: 'auto', kubernetes }]);
    expect(recordOf('auto').frameworks).toEqual([found]);
    expect(recordOf('upstream').spec.frameworks).toMatchObject([{ kubernetes: { kind: 'context', name: 'plane' } }]);
    expect(recordOf('upstream').frameworks).toMatchObject([{ flavour: 'upstream', scheme: 'https', port: 30443 }]);
    expect(recordOf('failed')).toMatchObject({ state: 'terminated', spec: { frameworks: [{ flavour: 'upstream' }] } });
    for (const file of ['bare', 'grown']) {
      expect(recordOf(file).frameworks).toEqual([]);
      expect(recordOf(file).spec.frameworks).toEqual([]);
    }
    for (const file of names)
      for (const at of [recordOf(file), recordOf(file).spec])
        for (const name of ['reana', 'framework']) expect(at).not.toHaveProperty(name);
  });

  it('gives the environment that it gave', async () => {
    const { dir, record } = open('edge');
    const pool = (name: string): string =>
      `export CONDOR_CONFIG=/home/scail/.scailfin/${name}/pool/condor_config\nexport PATH=/usr/bin:/usr/sbin:"$PATH"`;
    const local = async ({ dir, record }: Journal) =>
      (await offersOf(record, dir)).map(offer => ({ ...offer, port: 30443 }));
    const offers = await local(open('edge'));
    expect(clusterExports(record as ClusterRecord, offers)).toBe(
      `${pool('edge')}\nexport REANA_SERVER_URL=http://127.0.0.1:30443\nexport REANA_ACCESS_TOKEN="$(cat ${dir}/reana.token)"`,
    );
    const upstream = open('upstream');
    expect(clusterExports(upstream.record as ClusterRecord, await local(upstream))).toContain(
      '\nexport REANA_SERVER_URL=https://127.0.0.1:30443\n',
    );
    expect(clusterExports(recordOf('bare'), [])).toBe(pool('bare'));
    const gone = recordOf('edge-terminated');
    expect(() => clusterExports(gone, offers)).toThrow(/^edge has no pool: it is terminated\./);
  });

  it('leads status to all that there is', async () => {
    const status = await clusterStatus(recordOf('edge'), new Unreachable());
    expect(status.frameworks).toEqual([{ name: 'reana', flavour: 'edge', state: 'unknown', port: 30443 }]);
    expect(status.sites[0]?.glideins.map(g => g.id)).toEqual(['2']);
    expect(describeStatus(status)).toContain('\n  reana     edge unknown, port 30443 of headnode (loopback)\n');
    const { frameworks } = await clusterStatus(recordOf('upstream'), new Unreachable());
    const parts = [{ name: 'reana', state: 'unknown', reason: 'the network is down' }];
    expect(frameworks).toEqual([{ name: 'reana', flavour: 'upstream', state: 'unknown', port: 30443, parts }]);
    expect((await clusterStatus(recordOf('bare'), new Unreachable())).frameworks).toEqual([]);
  });

  it.each(['bare', 'edge', 'auto', 'upstream', 'grown'])('leads down to all that there may be: %s', async file => {
    const journal = open(file);
    for (const secret of ['reana.token', 'reana.password']) writeFileSync(join(journal.dir, secret), 'x');
    const context = { journal, connections: new Unreachable(), sink: () => {} };
    await expect(down(context, undefined)).rejects.toMatchObject({
      left: [
        `jobs called sf-${file} and files on login: the network is down`,
        "the pool's processes and files on this machine: the network is down",
      ],
    });
    await down(context, undefined, true);
    expect(Journal.open(file).record?.state).toBe('terminated');
  });

  it('is compared with what is asked for today', () => {
    const asked = (request: FrameworkRequest) => planFrameworks(request, { sites: {} });
    expect(frameworksDiffer(recordOf('edge'), [])).toEqual([]);
    expect(frameworksDiffer(recordOf('edge'), asked({ framework: ['reana'] }))).toEqual([]);
    expect(frameworksDiffer(recordOf('edge'), asked({ reana: 'upstream' }))).toEqual(['its REANA is edge']);
    // what it does not have yet is added
    expect(frameworksDiffer(recordOf('bare'), asked({ framework: ['reana'] }))).toEqual([]);
    expect(frameworksChanged(recordOf('bare'), asked({ framework: ['reana'] }))).toMatchObject([{ name: 'reana' }]);
    expect(frameworksChanged(recordOf('edge'), asked({ framework: ['reana'] }))).toEqual([]);
  });

  it('that is damaged is said to be', () => {
    const { dir } = open('edge');
    writeFileSync(join(dir, 'journal.jsonl'), '\n{"at":"x","type":"reana","reana":{"flavour":"edge"}}', { flag: 'a' });
    expect(() => Journal.open('edge')).toThrow(/journal\.jsonl:14: this line of the journal is damaged/);
  });
});

describe('a journal of before there were relays', () => {
  it('goes on: its submission, its machines and its edge are known', async () => {
    const { record } = open('old');
    expect(record).toMatchObject({ state: 'running', machine: { name: 'headnode' }, head: { address: '10.77.0.3' } });
    expect(record?.head?.relay).toBeUndefined();
    expect(record?.sites[0]?.batches).toMatchObject([{ label: 'b1', count: 2, jobIds: ['1'], outcome: 'submitted' }]);
    expect(record?.sites[0]?.batches[0]?.token).toBe('b1');
    expect(record?.spec.frameworks).toMatchObject([{ name: 'reana', flavour: 'edge' }]);
    const status = await clusterStatus(record as ClusterRecord, new Unreachable());
    expect(status.frameworks).toEqual([{ name: 'reana', flavour: 'edge', state: 'unknown', port: 30443 }]);
    expect(status.sites[0]?.relay).toBeUndefined();
  });
});

describe('a journal of today', () => {
  it('of a form that only a newer scailfin knows is refused, and says what to use', () => {
    const { dir } = open('old');
    const file = join(dir, 'journal.jsonl');
    const text = readFileSync(file, 'utf8').replace('"type":"created",', '"type":"created","format":3,');
    writeFileSync(file, text);
    expect(() => Journal.open('old')).toThrow(/clusters\/old is of a cluster that a newer scailfin made/);
  });

  it('says which form it has', () => {
    const journal = Journal.open('fresh');
    journal.append({ type: 'created', id: 'c1', spec: recordOf('bare').spec });
    expect(JSON.parse(readFileSync(join(journal.dir, 'journal.jsonl'), 'utf8'))).toMatchObject({ format: 2 });
  });

  it('has a framework under one name for all', () => {
    const journal = open('bare');
    const framework = { name: 'reana', flavour: 'edge', scheme: 'http', port: 30443 };
    journal.append({ type: 'framework', framework });
    expect(Journal.open('bare').record?.frameworks).toEqual([framework]);
    const text = readFileSync(join(journal.dir, 'journal.jsonl'), 'utf8');
    expect(text).toMatch(/"type":"framework","framework":\{"name":"reana",/);
  });

  it('of a newer scailfin is kept, and what only that knows is refused by name', async () => {
    const journal = open('bare');
    journal.append({ type: 'framework', framework: { name: 'hologram', port: 1 } });
    await expect(offersOf(Journal.open('bare').record, journal.dir)).rejects.toThrow(
      'this scailfin knows no framework called "hologram"',
    );
    const context = { journal: Journal.open('bare'), connections: new Unreachable(), sink: () => {} };
    await expect(down(context, undefined)).rejects.toThrow('no framework called "hologram"');
    expect(Journal.open('bare').record?.state).toBe('running');
    const { frameworks } = await clusterStatus(Journal.open('bare').record as ClusterRecord, new Unreachable());
    expect(frameworks).toMatchObject([{ name: 'hologram', state: 'unknown' }]);
  });
});

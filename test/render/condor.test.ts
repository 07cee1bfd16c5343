import { describe, expect, it } from 'vitest';
import { templateText } from '../../src/templates.js';
import { labUnavailable } from '../lab/lab.js';
import { inRoot, type Said } from './helpers/inroot.js';
import { kindOf } from './helpers/kinds.js';
import { choices, ofChoice } from './helpers/rendered.js';

const reason = labUnavailable();
const skipped = reason ? ` (skipped: ${reason})` : '';

const nersc = await ofChoice('nersc-reana');
const bridges = await ofChoice('bridges-bosco');

/** A rendered text as it would be there: what is learnt on the way is filled in, the home is /tmp/home. */
const filled = (text: string): string =>
  text.replaceAll('/@HOME@', '/tmp/home').replaceAll('/@SCRATCH@', '/tmp/home').replaceAll('@CLUSTER-ID@', '0a1b2c3d');

/** As templates/headnode/pool-start.sh finds it on a headnode. */
const found = `BIN = /usr/bin
SBIN = /usr/sbin
LIB = /usr/lib
LIBEXEC = /usr/libexec/condor
RELEASE_DIR = /usr
POOL_OWNER = scail
POOL_ADDRESS = 127.0.0.1
POOL_PORT = 9618
NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
`;

/** What templates/glidein/glidein.sh puts for each word. */
const words: Readonly<Record<string, string>> = {
  ...{ PAYLOAD: '/tmp/payload', WORK: '/tmp/work', LOGS: '/tmp/logs', ADDRESS: '10.0.0.1', PORT: '9618' },
  ...{
    TRUST_DOMAIN: 'mine-0a1b2c3d.scailfin',
    CLUSTER: 'mine',
    SITE: 'local',
    ID: '17_1-c1',
    NAME: '17_1-c1.a1b2c3d4@c1',
    IDLE: '600',
  },
  ...{ CORES: '4', MEMORY: '2048', USER: 'alice', ENDS: '2000000000', RETIRE: '1999999700' },
};
const glidein = templateText('glidein/glidein.conf').replaceAll(/@([A-Z_]+)@/g, (_, word: string) => {
  const value = words[word];
  if (value === undefined) throw new Error(`glidein.sh puts nothing for @${word}@`);
  return value;
});

const pool = '/tmp/home/.scailfin/nersc/pool';
const poolFiles = {
  [`${pool}/condor_config`]: filled(nersc.get('headnode/condor_config') ?? ''),
  [`${pool}/edge.config`]: filled(nersc.get('headnode/edge.config') ?? ''),
  [`${pool}/found.config`]: found,
};
const glideinFiles = { '/tmp/glidein.conf': glidein };

const configVal = (config: string, files: Record<string, string>, args: string): Promise<Said> =>
  inRoot(`CONDOR_CONFIG=${config} condor_config_val ${args}`, files);

describe.skipIf(reason !== undefined)(`HTCondor's configuration, as HTCondor reads it${skipped}`, () => {
  it('every file of it is read here', async () => {
    const names = (await Promise.all(Object.keys(choices).map(ofChoice)))
      .flatMap(files => [...files].filter(([name, text]) => kindOf(name, text) === 'configuration'))
      .map(([name]) => name);
    expect([...new Set(names)].sort()).toEqual([
      ...[
        'grow/bosco.config',
        'headnode/condor_config',
        'headnode/edge.config',
        'headnode/relay.config',
        'headnode/wire.config',
        'headnode/workers.config',
        'headnode/workers/dask/manager.config',
        'site/glidein.conf',
      ],
    ]);
  });

  it("the pool's, with the edge's", async () => {
    const { exitCode, stdout, stderr } = await configVal(`${pool}/condor_config`, poolFiles, '-summary');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`from ${pool}/edge.config`);
    expect(stdout).toContain('DAEMON_LIST = MASTER, COLLECTOR, NEGOTIATOR, SCHEDD, SHADOWS, EDGE\n');
    expect(stdout).toContain('COLLECTOR.ALLOW_ADVERTISE_STARTD = glidein-*@$(TRUST_DOMAIN), $(OLD_GLIDEIN)');
    expect(stdout).toContain('SCHEDD.NETWORK_INTERFACE = 127.0.0.1');
  });

  it("the pool's, with the relay's", async () => {
    const relayed = await ofChoice('polaris-relay');
    const config = (name: string): string =>
      filled(relayed.get(`headnode/${name}`) ?? '').replaceAll('/polaris/pool', '/nersc/pool');
    const files = {
      ...poolFiles,
      [`${pool}/condor_config`]: config('condor_config'),
      [`${pool}/relay.config`]: config('relay.config'),
    };
    const { exitCode, stdout, stderr } = await configVal(`${pool}/condor_config`, files, '-summary');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('DAEMON_LIST = MASTER, COLLECTOR, NEGOTIATOR, SCHEDD, SHADOWS, EDGE, RELAY\n');
    expect(stdout).toContain(`RELAY = ${pool}/relay/run.sh\n`);
  });

  it("the pool's, with the wire's and a manager's", async () => {
    const there = '/tmp/home/.scailfin/mine/pool';
    const wired = await ofChoice('local-dask');
    const files = {
      [`${there}/condor_config`]: filled(wired.get('headnode/condor_config') ?? ''),
      [`${there}/wire.config`]: filled(wired.get('headnode/wire.config') ?? ''),
      [`${there}/manager.config`]: filled(wired.get('headnode/workers/dask/manager.config') ?? ''),
      [`${there}/workers.config`]: filled(wired.get('headnode/workers.config') ?? ''),
      [`${there}/found.config`]: found,
    };
    const names = 'DAEMON_LIST WIRE MANAGER_DASK WORKERS';
    const { exitCode, stdout, stderr } = await configVal(`${there}/condor_config`, files, names);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('SHADOWS, WIRE, MANAGER_DASK, WORKERS\n');
    expect(stdout).toContain(`${there}/wire/run.sh`);
    expect(stdout).toContain(`${there}/workers/dask/run.sh`);
  });

  it("the pool's, with what grows it", async () => {
    const there = '/tmp/home/.scailfin/bridges/pool';
    const files = {
      [`${there}/condor_config`]: filled(bridges.get('headnode/condor_config') ?? ''),
      [`${there}/bosco.config`]: filled(bridges.get('grow/bosco.config') ?? ''),
      [`${there}/found.config`]: found,
    };
    const args = 'DAEMON_LIST GROW at_bridges_GAHP';
    const { exitCode, stdout, stderr } = await configVal(`${there}/condor_config`, files, args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n').filter(Boolean)).toEqual([
      ...[
        'MASTER, COLLECTOR, NEGOTIATOR, SCHEDD, SHADOWS, GROW',
        `${there}/bosco/run.sh`,
        `${there}/bosco/at_bridges/gahp`,
      ],
    ]);
  });

  it("a glide-in's", async () => {
    const args = '-subsystem STARTD STARTD_NAME START CCB_ADDRESS ALLOW_DAEMON STARTD_ATTRS';
    const { exitCode, stdout, stderr } = await configVal('/tmp/glidein.conf', glideinFiles, args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      ...['17_1-c1.a1b2c3d4@c1', 'time() < 1999999700', '10.0.0.1:9618', 'alice@17_1-c1.glidein'],
      expect.stringMatching(/ScailfinCluster ScailfinSite ScailfinGlidein ScailfinEnds$/),
    ]);
  });

  it.each([
    ['no equals sign', (text: string) => `${text}\nSTART 1 2\n`, /line \d+/i],
    ['a part that is not there', (text: string) => text.replace('/found.config', '/lost.config'), /lost\.config/],
    ['a condition without an end', (text: string) => `${text}\nif defined START\n`, /endif|if/i],
  ])('would refuse %s', async (_, broken, words) => {
    const file = `${pool}/condor_config`;
    const { exitCode, stdout, stderr } = await configVal(
      file,
      { ...poolFiles, [file]: broken(poolFiles[file] ?? '') },
      '-dump',
    );
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toMatch(words);
  });
});

/** Names that HTCondor's programs put together, from those of daemons and permissions, as its manual has them: `<SUBSYS>_ARGS`. */
const composed = [
  /^SUBMIT_REQUIREMENT_STEPS(_REASON)?$/,
  /^(NUM_SLOTS_TYPE_1|SLOT_TYPE_1|SLOT_TYPE_1_PARTITIONABLE)$/,
  /^(ALLOW|DENY)_(ADMINISTRATOR|CONFIG|DAEMON|NEGOTIATOR|READ|WRITE|ADVERTISE_(MASTER|SCHEDD|STARTD))$/,
  /^SHARED_PORT_ARGS$/,
  /^AT_BRIDGES_GAHP$/,
  /^MASTER_(EDGE|GROW|SCHEDD|SHADOWS)_(BACKOFF_CONSTANT|BACKOFF_CEILING|RECOVER_FACTOR)$/,
];

/** What a configuration sets, without the daemon it is said for. */
const namesIn = (text: string): string[] =>
  [
    ...text.replaceAll(/\\\n/g, ' ').matchAll(/^\s*(?:MASTER\.|STARTD\.|SCHEDD\.|COLLECTOR\.)?([A-Za-z_]\w*)\s*=/gm),
  ].map(([, name]) => name as string);

/** A name of our own counts where the configuration itself uses it: in another value, as a daemon, or in an ad. */
function isOurs(name: string, text: string): boolean {
  const lists = /^(DAEMON_LIST|STARTD_ATTRS) = .*/gm;
  return text.includes(`$(${name})`) || (text.match(lists) ?? []).some(line => line.split(/[\s,]+/).includes(name));
}

/** @returns names which neither HTCondor's table of parameters nor its programs have */
async function unknownTo(names: readonly string[]): Promise<string[]> {
  // the table lacks this one, and the programs have it, as the end of a string: linkers lay strings over each other
  const proof = 'CLASSAD_LIFETIME';
  const ask = `CONDOR_CONFIG=/dev/null condor_config_val ${[proof, ...names].join(' ')} 2>&1 | sed -n 's/^Not defined: //p' >/tmp/undefined
echo '== undefined'; cat /tmp/undefined
echo '== in programs'; cat /usr/sbin/condor_* /usr/lib/libcondor_utils_* | tr '\\0' '\\n' | grep -aoE "($(paste -sd '|' /tmp/undefined))([^A-Za-z0-9_]|$)" | grep -aoE '[A-Z0-9_]+' | sort -u`;
  const { stdout, stderr } = await inRoot(ask, {});
  const [undef, there] = stdout
    .split(/^== .*\n?/m)
    .slice(1)
    .map(part => part.split('\n').filter(Boolean));
  if (!undef || !there?.includes(proof)) throw new Error(`HTCondor can't be asked for names: ${stdout}${stderr}`);
  return undef.filter(name => !there.includes(name));
}

describe.skipIf(reason !== undefined)(`what HTCondor is told it knows${skipped}`, () => {
  it.each([
    ['the pool', () => [...Object.values(poolFiles), bridges.get('grow/bosco.config')].join('\n')],
    ['a glide-in', () => glidein],
  ])('in the configuration of %s', async (_, textOf) => {
    const text = textOf();
    const names = [...new Set(namesIn(text))];
    expect(names.length).toBeGreaterThan(40);
    const unknown = await unknownTo(names.filter(name => !isOurs(name, text)));
    expect(unknown.filter(name => !composed.some(pattern => pattern.test(name)))).toEqual([]);
  });

  it('and would not know a name that is mistyped', async () => {
    expect(
      await unknownTo(['NEGOTIATOR_INTERVAL', 'NEGOTIATOR_INTERVALL', 'CLASSAD_LIVETIME', 'MASTER_EDGE_X']),
    ).toEqual(['NEGOTIATOR_INTERVALL', 'CLASSAD_LIVETIME', 'MASTER_EDGE_X']);
  });
});

// @module-tag nightly; each time: attack/ports
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scailfin, statusOf } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { attack } from './attack.js';

const reason = labUnavailable();
const by = 'another user' as const;
const pool = '/home/alice/.scailfin/lab-slurm/pool';
const loot = '/tmp/bobs-loot';

/** Answers as REANA's edge would, and writes down all that it is told. */
const impostor = `
const { appendFileSync, chmodSync } = require('node:fs');
const answer = JSON.stringify({ status: '200', message: 'OK', proof: 'x', reana_server_version: '0.9.4', items: [], total: 0 });
require('node:http').createServer((request, response) => {
  appendFileSync('${loot}', request.method + ' ' + request.url + ' ' + JSON.stringify(request.headers) + '\\n');
  chmodSync('${loot}', 0o644);
  response.setHeader('Content-Type', 'application/json');
  response.end(answer);
}).listen(Number(process.argv[1]), '127.0.0.1');
`;

/** A collector that lets everybody in, and asks for the proofs that would be the most use. */
const bobsPool = (port: number): string => `LOCAL_DIR = /home/bob/pool
LOG = $(LOCAL_DIR)
SPOOL = $(LOCAL_DIR)
LOCK = $(LOCAL_DIR)
RUN = $(LOCAL_DIR)
EXECUTE = $(LOCAL_DIR)
LOCAL_CONFIG_FILE =
LOCAL_CONFIG_DIR =
DAEMON_LIST = MASTER, COLLECTOR
COLLECTOR_HOST = 10.77.0.10:${port}
COLLECTOR_ARGS = -p ${port}
USE_SHARED_PORT = False
ENABLE_IPV6 = False
SEC_PASSWORD_DIRECTORY = $(LOCAL_DIR)/keys
SEC_TOKEN_POOL_SIGNING_KEY_FILE = $(LOCAL_DIR)/keys/POOL
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS, CLAIMTOBE
COLLECTOR_DEBUG = D_SECURITY
ALLOW_READ = *
ALLOW_WRITE = *
ALLOW_DAEMON = *
ALLOW_ADVERTISE_STARTD = *
ALLOW_ADVERTISE_MASTER = *
USE_PROCD = False
`;

describe.skipIf(reason !== undefined)(`a headnode that others use, too${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let token: string;
  let bobs: ChildProcess | undefined;
  beforeAll(async () => {
    lab = await Lab.up();
    const args = ['--site', 'lab-slurm', '--nodes', '1', '--headnode', 'login', '--framework', 'reana'];
    await scailfin(lab, 'laptop', ['up', ...args]);
    token = (await lab.read('laptop', '.local/state/scailfin/clusters/lab-slurm/reana.token')).trim();
    await lab.write('laptop', 'demo/reana.yaml', specification);
  }, 240_000);
  afterAll(async () => {
    bobs?.kill('SIGKILL');
    await lab?.down();
  });

  const sh = async (host: 'laptop' | 'login', user: string, command: string): Promise<string> => {
    const ran = await lab.exec(host, ['bash', '-c', command], { user, check: false, timeoutMs: 90_000 });
    return ran.stdout + ran.stderr;
  };
  const owners = () => sh('login', 'root', 'pgrep -u alice');

  attack(
    { by, on: 'login', what: "reads the cluster's files, the environments and the command lines of its processes" },
    async count => {
      const dirs = '/home/alice/.scailfin /tmp/scailfin* /dev/shm/scailfin* /run/user/*/scailfin';
      expect(await sh('login', 'bob', `find ${dirs} -type f -readable 2>/dev/null`)).toBe('');
      count();
      const pids = (await owners()).trim().split('\n');
      expect(pids.length).toBeGreaterThan(4);
      const secrets = [token];
      for (const file of ['glidein.token', 'keys/POOL', 'tokens/owner'])
        secrets.push((await sh('login', 'root', `cat ${pool}/${file}`)).trim());
      for (const pid of pids) {
        count();
        const seen = await sh(
          'login',
          'bob',
          `tr '\\0' ' ' </proc/${pid}/cmdline; cat /proc/${pid}/environ; ls /proc/${pid}/fd`,
        );
        for (const secret of secrets) expect(seen).not.toContain(secret.slice(0, 30));
        expect(seen).not.toContain('HOME=');
      }
    },
  );

  attack({ by, on: 'login', what: "talks to the edge and to the pool's sockets without a token" }, async count => {
    for (const path of ['api/workflows', 'api/you', 'api/secrets', 'api/info', 'api/scailfin/pool']) {
      count();
      const ask = `curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:30443/${path}`;
      expect(await sh('login', 'bob', ask), path).toBe('401');
    }
    count();
    const sockets = await sh('login', 'bob', `ls ${pool}/lock ${pool}/run 2>&1 | grep -v 'Permission denied'`);
    expect(sockets).toBe('');
    for (const method of ['FS', 'CLAIMTOBE', 'ANONYMOUS', 'PASSWORD', 'SSL', 'IDTOKENS']) {
      count();
      const env = `CONDOR_CONFIG=/dev/null _CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS=${method}`;
      const said = await sh('login', 'bob', `${env} condor_status -pool 10.77.0.10:9618 -any -af Name`);
      expect(said, method).toMatch(/fail|ERROR|Error|denied/i);
    }
  });

  attack(
    {
      by,
      on: 'login',
      what: "takes the pool's and the edge's ports while they do not run, and waits for proofs and tokens",
    },
    async count => {
      // what an outage leaves: nothing of the pool runs, and its ports are free
      await sh('login', 'root', `pkill -KILL -u alice -x 'condor_.*|node|edge'; pkill -KILL -u alice -f edge.mjs`);
      await until(
        'the ports to be free',
        10_000,
        async () => (await sh('login', 'root', 'ss -ltnH')).search(/:(30443|9618) /) < 0,
      );
      await sh(
        'login',
        'bob',
        `rm -f ${loot}; mkdir -p ~/pool/keys && head -c 48 /dev/urandom >~/pool/keys/POOL; chmod 600 ~/pool/keys/POOL`,
      );
      await lab.write('login', '/home/bob/pool/config', bobsPool(9618), { user: 'bob' });
      bobs = lab.spawn('login', ['node', '-e', impostor, '30443'], { user: 'bob' });
      await sh(
        'login',
        'bob',
        'cd && CONDOR_CONFIG=/home/bob/pool/config setsid condor_master >/dev/null 2>&1 </dev/null',
      );
      const taken = () => sh('login', 'root', 'ss -ltnH');
      await until(
        'both ports to be taken',
        20_000,
        async () => /:30443 /.test(await taken()) && /:9618 /.test(await taken()),
      );

      count();
      expect((await statusOf(lab, 'laptop', 'lab-slurm')).headnode.pool).not.toBe('alive');
      count();
      const run = await sh('laptop', 'scail', 'cd demo && scailfin run');
      expect(run).toContain("is not this cluster's REANA");
      count();
      await sh(
        'laptop',
        'scail',
        'eval "$(scailfin env)"; curl -s "$REANA_SERVER_URL/api/you?access_token=$REANA_ACCESS_TOKEN"; scailfin connect --stop',
      );
      // by the user's own client, through a connection that was begun before
      count();
      await sh(
        'laptop',
        'scail',
        'scailfin connect --background --port 4321; curl -s "http://127.0.0.1:4321/api/you?access_token=$(cat .local/state/scailfin/clusters/lab-slurm/reana.token)"; scailfin connect --stop',
      );
      const heard = await sh('login', 'root', `cat ${loot}`);
      expect(heard).toContain('/api/scailfin/proof');
      expect(heard).not.toContain(token);

      for (const command of [
        'condor_status -any',
        'condor_q -global',
        'condor_submit -terse -queue 1 executable=/bin/true',
      ]) {
        count();
        await sh('laptop', 'scail', `timeout 60 scailfin exec lab-slurm -- ${command}`);
      }
      const log = await sh('login', 'root', 'cat /home/bob/pool/CollectorLog');
      // HTCondor's word for a proof that it believed; the owner's commands and the glide-ins ask for one first
      expect(log).toMatch(/AUTHENTICATE: (method 2048 \(IDTOKENS\) failed|Command not authorized)/);
      expect(log.match(/current FQU is '(alice|glidein)[^']*'/g) ?? []).toEqual([]);
      const ads = await sh('login', 'bob', 'CONDOR_CONFIG=/home/bob/pool/config condor_status -any -af MyType Name');
      expect(ads).not.toMatch(/Machine|glidein|DaemonMaster .*c1/);
    },
    240_000,
  );

  it('is up again on other ports, with the others where they are', async () => {
    const args = ['scailfin', 'up', 'lab-slurm', '--no-wait'];
    const raised = await lab.exec('laptop', args, { check: false, timeoutMs: 90_000 });
    expect(raised.exitCode, raised.stderr).toBe(0);
    expect(raised.stderr).toMatch(/Starting REANA: edge, on port 3044[4-9]/);
    const asks = 'curl -s "$REANA_SERVER_URL/api/you?access_token=$REANA_ACCESS_TOKEN"';
    expect(await sh('laptop', 'scail', `eval "$(scailfin env)"; ${asks}`)).toContain('alice@login');
    expect(await sh('laptop', 'scail', 'cd demo && timeout 20 scailfin run')).toContain('one: queued');
  });
});

const specification = `version: 0.9.4
workflow:
  type: serial
  specification:
    steps:
      - name: one
        environment: ''
        commands: ['true']
`;

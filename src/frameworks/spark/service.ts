import { createHash, createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { bringUp } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { render, templateText } from '../../templates.js';
import type { OwnFacts } from '../facts.js';
import type { Service, Variable } from '../service.js';
import { newKeys, shownKeys, type WireKeys, wireKeys } from '../wire/keys.js';
import { type Mesh, nodeFiles, type WirePlan, wire, wireFiles } from '../wire/wire.js';
import { runInstaller } from '../workers/install.js';
import { managerFiles, startManager } from '../workers/manager.js';
import { manyWorkers, type Workers, withDefaults } from '../workers/options.js';
import { renderedWorkers } from '../workers/render.js';
import {
  askWorkers,
  keepWorkers,
  managerPort,
  putInPool,
  type WorkersPlan,
  workerFiles,
  workersHome,
} from '../workers/workers.js';
import { LEAST_MEMORY, type SparkSpec, secretFiles } from './spec.js';

const NAME = 'spark';
/** Spark Connect's own port is 15002; each cluster on a headnode has another one. */
const FIRST_PORT = 45_002;

/** Of the server, at which clients call: its certificate, its key, and what clients must know. */
interface Identity {
  readonly certificate: string;
  readonly key: string;
  readonly token: string;
}

/** The headnode's part of a cluster of Spark, as its files say it. */
interface Head {
  readonly port: number;
  readonly mesh: Mesh;
  /** By which all programs of the cluster know each other, and encrypt what they say. */
  readonly secret: string;
  readonly identity: Identity;
  /** Where its Python is; undefined if there is no fence. */
  readonly base: string | undefined;
}

/**
 * Spark's master and its Connect server, as one daemon of the pool's master, and the workers. They call each other by a network that the
 * wire makes of the loopback networks of all machines. Clients come by TLS, with a token.
 */
export const sparkService: Service<SparkSpec, OwnFacts> = {
  components: [],
  ownScripts: /^spark-/,

  async bringUp(at, spec) {
    const workers = withDefaults(spec.workers);
    at.announce(`bring up Spark on ${at.host.name}`);
    const identity = ownIdentity(at.folder);
    const port = await managerPort(at, NAME, FIRST_PORT);
    const keys = await wireKeys(at, NAME);
    const plan = wirePlan(port, keys);
    await putInPool(at, [...requirements(), ...sparkFiles(plan.mesh, secretOf(keys), workers).map(inTree)]);
    const { base } = await runInstaller(at, {
      ...{ title: 'Spark', least: 11, room: '3 GB', timeoutMs: 1_200_000 },
      script: 'headnode/spark-install.sh',
      args: [at.dir, workers.image === undefined ? 'nodes' : 'image'],
    });
    const fenced = at.pool.unfenced === undefined ? base : undefined;
    const of = workersPlan(workers, plan);
    await putInPool(at, [
      ...(await workerFiles(at.dir, of)),
      ...headFiles(at.dir, { port, mesh: plan.mesh, secret: secretOf(keys), identity, base: fenced }),
    ]);
    // the master may start Spark's master as soon as it reads its configuration again
    await bringUp(wire, at, plan);
    await startManager(at, NAME, "Spark's master");
    await keepWorkers(at, of);
    return {
      facts: { port },
      said: `${manyWorkers(workers.count)}, Connect server on port ${port} of ${at.host.name}`,
    };
  },

  status: ({ port }, at) => askWorkers(at, NAME, port, true),

  // clients check the server's certificate themselves
  dial: (_facts, _here, dial) => dial,

  env(_facts, { folder }, port) {
    const [certificate, , token] = secretFiles.map(name => join(folder, name)) as [string, string, string];
    return [
      ...clientVariables(port, certificate),
      { name: 'SPARK_CONNECT_AUTHENTICATE_TOKEN', file: token, what: 'the token for Spark' },
    ];
  },

  next: (_facts, { cluster }) => [
    `eval "$(scailfin env ${cluster})" && python3 -c 'from pyspark.sql import SparkSession; print(SparkSession.builder.getOrCreate().range(9).count())'`,
    'the variables tell PySpark where the server is, which certificate it has, and the token that lets you in',
    `scailfin status ${cluster}                      shows the workers`,
  ],

  losses: async () => undefined,

  async render(_cluster, dir, spec) {
    const workers = withDefaults(spec.workers);
    const plan = wirePlan(FIRST_PORT, shownKeys(NAME));
    const identity = { certificate: '@CERTIFICATE@\n', key: '@KEY@\n', token: '@TOKEN@' };
    const head = { port: FIRST_PORT, mesh: plan.mesh, secret: '@SECRET@', identity, base: '/@PYTHON@' };
    const files = [
      ...wireFiles(dir, plan, '/@PYTHON@'),
      ...requirements(),
      ...headFiles(dir, head),
      ...(await workerFiles(dir, workersPlan(workers, plan, '@SECRET@'))),
    ];
    return renderedWorkers(files, ['spark-install'], words);
  },
};

const words: Readonly<Record<string, string>> = {
  'requirements.txt': 'the packages of the master and of the workers, and Java',
  'source.txt': 'PySpark, with Spark itself',
  'manager.py': "runs Spark's master and its Connect server",
  'front/cert.pem': 'the certificate by which clients know the Connect server',
  'front/key.pem': 'the key of that certificate',
  'front/token': 'the token that lets clients in',
  'tree/spark/spark-defaults.conf': "Spark's settings, with the secret of the cluster",
  'tree/spark/log4j2.properties': 'what programs of Spark log',
  'tree/spark/java.sh': "starts Java for Spark's programs",
};

/** The ports that Spark has by its settings, in `worker/spark/spark-defaults`: one and three that are tried then. */
const four = (first: number) => [0, 1, 2, 3].map(n => first + n);

function wirePlan(port: number, keys: WireKeys): WirePlan & { readonly mesh: Mesh } {
  // the address must be the same each time, and should be no other cluster's
  const [b = 0, c = 0, d = 0] = createHash('sha256').update(`address ${keys.services[NAME]}`).digest();
  const address = `127.${16 + (b % 240)}.${c % 255}.${1 + (d % 254)}`;
  const mesh = { address, ports: [7077, ...four(7100), ...four(7110)], each: [7130, ...four(7120)] };
  return { service: NAME, port, keys, mesh };
}

/** Whoever has the key of the wire is a part of the cluster, so that its secret is made of this key. */
const secretOf = (keys: WireKeys): string =>
  createHmac('sha256', keys.services[NAME] ?? '')
    .update('spark.authenticate')
    .digest('hex');

/** The variables by which PySpark finds the server and checks its certificate. */
const clientVariables = (port: number, certificate: string): (Variable & { readonly value: string })[] => [
  { name: 'SPARK_REMOTE', value: `sc://127.0.0.1:${port}/;use_ssl=true` },
  { name: 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', value: certificate },
];

const requirements = (): FileToPut[] =>
  ['requirements.txt', 'source.txt'].map(name => ({
    ...{ path: `workers/${NAME}/${name}`, content: templateText(`worker/spark/${name}`), mode: 0o600 },
  }));

const inTree = (file: FileToPut): FileToPut => ({ ...file, path: `workers/${NAME}/tree/${file.path}` });

/**
 * A worker, or who took one over, could have the master and the Connect server run programs: they are behind the fence, and see nothing of
 * the owner's but their own files.
 */
function headFiles(pool: string, { port, mesh, secret, identity, base }: Head): FileToPut[] {
  const home = workersHome(pool, NAME);
  const run = `${home}/run`;
  const own = ['manager.py', 'venv', 'site', 'java', 'front', 'tree/spark'].map(name => `${home}/${name}`);
  const fence = base === undefined ? [] : ['/bin/sh', `${pool}/fence/engine.sh`, run, run, ...own, base, '--'];
  // it is started again when one of these is another one
  const version = createHash('sha256').update(
    JSON.stringify([identity, secret, templateText('worker/spark/manager.py')]),
  );
  const command = [
    ...[`SCAILFIN_FILES=${version.digest('hex').slice(0, 16)}`, `TMPDIR=${run}`, ...fence],
    ...[`${home}/venv/bin/python`, '-I', '-B', `${home}/manager.py`, home, mesh.address, String(port)],
  ];
  const file = (path: string, content: string): FileToPut => ({
    path: `workers/${NAME}/${path}`,
    content,
    mode: 0o600,
  });
  const variables = [
    ...clientVariables(port, `${home}/front/cert.pem`),
    { name: 'SPARK_CONNECT_AUTHENTICATE_TOKEN', value: identity.token },
  ];
  return [
    file('manager.py', templateText('worker/spark/manager.py')),
    file('front/cert.pem', identity.certificate),
    file('front/key.pem', identity.key),
    file('front/token', `${identity.token}\n`),
    ...managerFiles(pool, NAME, port, command),
    {
      path: `env/${NAME}.env`,
      content: render('headnode/spark.env', { variables, bin: `${home}/venv/bin` }),
      mode: 0o600,
    },
  ];
}

/** What programs of Spark read, on the headnode and on nodes; paths are below a worker's directory. Secret. */
const sparkFiles = ({ address }: Mesh, secret: string, { memory }: Workers): FileToPut[] => [
  {
    path: 'spark/spark-defaults.conf',
    content: render('worker/spark/spark-defaults', { address, secret, memory: executorMemory(memory) }),
    mode: 0o600,
  },
  ...['log4j2.properties', 'java.sh'].map(name => ({
    ...{ path: `spark/${name}`, content: templateText(`worker/spark/${name}`), mode: 0o600 },
  })),
];

/** MiB for Java in a worker's executor: the rest is for Python, and for the worker itself. Spark wants at least 450. */
const executorMemory = (memory: number): number =>
  Math.max(LEAST_MEMORY / 2, Math.floor((memory - LEAST_MEMORY / 4) * 0.6));

function workersPlan(
  workers: Workers,
  { mesh, keys }: WirePlan & { readonly mesh: Mesh },
  secret = secretOf(keys),
): WorkersPlan {
  const { cores, memory } = workers;
  const files = [
    ...nodeFiles({ keys, service: NAME }),
    ...sparkFiles(mesh, secret, workers),
    { path: 'worker.sh', content: templateText('worker/spark/worker.sh'), mode: 0o600 },
  ];
  const command = `exec bash ./worker.sh ${mesh.address} ${cores} ${executorMemory(memory)}`;
  // Spark and Java, packed and unpacked
  return { ...workers, name: NAME, files, need: 'file', command, disk: 3 };
}

/** The identity of the cluster's server on this machine, which is made at the first use. */
function ownIdentity(folder: string): Identity {
  const paths = secretFiles.map(name => join(folder, name));
  if (!paths.every(path => existsSync(path))) {
    const made = newKeys('127.0.0.1');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [n, content] of [made.certificate, made.key, `${randomBytes(32).toString('base64url')}\n`].entries())
      writeFileAtomic.sync(paths[n] as string, content, { mode: 0o600 });
  }
  const [certificate = '', key = '', token = ''] = paths.map(path => readFileSync(path, 'utf8'));
  return { certificate, key, token: token.trim() };
}

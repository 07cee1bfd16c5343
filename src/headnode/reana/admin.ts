import { ScailfinError } from '../../errors.js';
import type { Output } from '../../hosts/host.js';
import type { Kube } from './kube.js';
import { after, type Pace } from './pace.js';
import type { ReanaSecrets } from './secrets.js';

/** reana-server's number of its administrator (0.9.4: reana_server/config.py, ADMIN_USER_ID). */
const ADMIN = '00000000-0000-0000-0000-000000000000';

/** Importing REANA's server in its pod alone takes many seconds on a busy node. */
const EXEC_MS = 180_000;

const secretName = (kube: Kube): string => `${kube.release}-admin-access-token`;

/**
 * Gives the database the password that REANA's other parts have: the chart (0.9.4, templates/reana-db.yaml) makes it with a
 * well-known one, whatever is set. In the pod itself it lets one in without.
 */
export async function setDatabasePassword(kube: Kube, secrets: ReanaSecrets, pace: Pace): Promise<void> {
  // the end of its input does not reach a pod through every Kubernetes: a line's end does
  const psql = [
    'sh',
    '-c',
    'head -n 1 | psql "$@"',
    'sh',
    '--quiet',
    '--host',
    '127.0.0.1',
    '--username',
    'reana',
    '--dbname',
    'reana',
  ];
  const sql = `ALTER ROLE reana PASSWORD '${secrets.database}';\n`;
  for (let tries = 0; ; tries++) {
    const out = await inPod(kube, 'db', 'db', [...psql, '--set', 'ON_ERROR_STOP=1'], sql);
    if (out.exitCode === 0) return;
    // it does not answer yet, or is still making itself
    if (tries >= 20) throw refused(kube, "the password of REANA's database can't be set", out);
    await after(pace.pollMs);
  }
}

/**
 * The administrator and its token, made at first use. Whatever was begun before is gone on with.
 * @returns the token. Secret.
 */
export async function adminToken(kube: Kube, email: string, secrets: ReanaSecrets): Promise<string> {
  const kept = await keptToken(kube);
  if (kept) return kept;
  await server(kube, "REANA's database can't be made", ['./scripts/create-database.sh']);
  const token = (await createAdmin(kube, email, secrets)) || (await tokenOfAdmin(kube));
  await keepToken(kube, token, secrets);
  return token;
}

async function keptToken(kube: Kube): Promise<string | undefined> {
  const secret = await kube.one<{ data?: Record<string, string> }>('secret', secretName(kube));
  const encoded = secret?.data?.ADMIN_ACCESS_TOKEN;
  return encoded && Buffer.from(encoded, 'base64').toString();
}

/** By the name and key that the chart's own jobs look for (templates/cronjobs.yaml). */
export async function keepToken(kube: Kube, token: string, secrets: ReanaSecrets): Promise<void> {
  const metadata = { name: secretName(kube), namespace: kube.namespace };
  const stringData = { ADMIN_ACCESS_TOKEN: token, ADMIN_PASSWORD: secrets.admin };
  await kube.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData });
}

/** Prints the token when it makes the user, and nothing when there is one (0.9.4: reana_server/reana_admin/cli.py). */
async function createAdmin(kube: Kube, email: string, secrets: ReanaSecrets): Promise<string> {
  // an option can be given by a variable of this name (flask, "Setting Command Options"): it then is on no command line
  const variable = 'FLASK_REANA_ADMIN_CREATE_ADMIN_USER_PASSWORD';
  const script = `IFS= read -r ${variable} && export ${variable} && exec flask reana-admin create-admin-user --email "$1"`;
  const argv = ['sh', '-c', script, 'sh', email];
  return lastWord(await server(kube, "REANA's administrator can't be made", argv, `${secrets.admin}\n`));
}

/** Of a user that was made when we could not hear the answer: no command of REANA's tells it. */
async function tokenOfAdmin(kube: Kube): Promise<string> {
  const program = `from reana_db.models import User; print(User.query.filter_by(id_="${ADMIN}").one().access_token)`;
  return lastWord(await server(kube, "REANA's token can't be read", ['python3', '-c', program]));
}

/** The libraries below may warn of themselves first. */
function lastWord(text: string): string {
  const word = text.trim().split('\n').at(-1)?.trim() ?? '';
  if (word === '' || /^[\w-]{16,}$/.test(word)) return word;
  throw new ScailfinError("REANA's server answers something else than a token", { hint: '`scailfin up` again' });
}

/** @returns what it printed @throws ScailfinError with its last words */
async function server(kube: Kube, what: string, argv: readonly string[], stdin?: string): Promise<string> {
  const out = await inPod(kube, 'server', 'rest-api', argv, stdin);
  if (out.exitCode !== 0) throw refused(kube, what, out);
  return out.stdout;
}

/** kubectl exits as the command did (kubectl exec --help). */
function inPod(kube: Kube, part: string, container: string, argv: readonly string[], stdin?: string): Promise<Output> {
  const where = [`deployment/${kube.release}-${part}`, '--container', container];
  const [flags, input] = stdin === undefined ? [[], {}] : [['--stdin'], { stdin }];
  const options = { ...input, timeoutMs: EXEC_MS, check: false };
  return kube.kubectl(['exec', ...flags, ...where, '--', ...argv], options);
}

function refused(kube: Kube, what: string, { stdout, stderr }: Output): ScailfinError {
  // REANA's commands say on their standard output what went wrong
  const lines = `${stdout}\n${stderr}`.split('\n').map(line => line.trim());
  const words = lines.filter(line => line !== '' && !/^command terminated with exit code/.test(line)).slice(-4);
  const wrong = words.some(line => /Invalid email/.test(line));
  return new ScailfinError(`${what} on ${kube.hostName}: ${words.join('\n  ') || 'it said nothing'}`, {
    hint: wrong
      ? '`scailfin config set reana.email you@example.org`, then `scailfin up` again'
      : '`scailfin up` again goes on where this stopped',
  });
}

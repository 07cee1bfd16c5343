import { ScailfinError } from '../../errors.js';
import type { Output } from '../../hosts/host.js';
import type { Kube } from './kube.js';
import { after, type Pace } from './pace.js';
import type { ReanaSecrets } from './reana-secrets.js';

/** reana-server's id of its administrator (0.9.4: reana_server/config.py, ADMIN_USER_ID). */
const ADMIN = '00000000-0000-0000-0000-000000000000';

/** On a busy node, only importing REANA's server in its pod takes many seconds. */
const EXEC_MS = 600_000;

const secretName = (kube: Kube): string => `${kube.release}-admin-access-token`;

/**
 * Gives the database the password that REANA's other parts use: the chart (0.9.4, templates/reana-db.yaml) always makes
 * it with a well-known one. Inside the pod, the database needs no password.
 */
export async function setDatabasePassword(kube: Kube, secrets: ReanaSecrets, pace: Pace): Promise<void> {
  // not every Kubernetes passes the end of the input on to a pod, but it passes the end of a line on
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
    // it does not answer yet, or is still being initialised
    if (tries >= 20) throw refused(kube, "the password of REANA's database can't be set", out);
    await after(pace.pollMs);
  }
}

/**
 * Makes the administrator and its token at the first call, and continues work that was interrupted.
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

/** Uses the name and key that the chart's own jobs look for (templates/cronjobs.yaml). */
export async function keepToken(kube: Kube, token: string, secrets: ReanaSecrets): Promise<void> {
  const metadata = { name: secretName(kube), namespace: kube.namespace };
  const stringData = { ADMIN_ACCESS_TOKEN: token, ADMIN_PASSWORD: secrets.admin };
  await kube.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData });
}

/** Prints the token if it makes the user, and nothing if the user exists (0.9.4: reana_server/reana_admin/cli.py). */
async function createAdmin(kube: Kube, email: string, secrets: ReanaSecrets): Promise<string> {
  // a variable of this name sets the option (flask, "Setting Command Options"), so that it is on no command line
  const variable = 'FLASK_REANA_ADMIN_CREATE_ADMIN_USER_PASSWORD';
  const script = `IFS= read -r ${variable} && export ${variable} && exec flask reana-admin create-admin-user --email "$1"`;
  const argv = ['sh', '-c', script, 'sh', email];
  return lastWord(await server(kube, "REANA's administrator can't be made", argv, `${secrets.admin}\n`));
}

/** The token of a user that was made when the answer was lost: REANA has no command that shows it. */
async function tokenOfAdmin(kube: Kube): Promise<string> {
  const program = `from reana_db.models import User; print(User.query.filter_by(id_="${ADMIN}").one().access_token)`;
  return lastWord(await server(kube, "REANA's token can't be read", ['python3', '-c', program]));
}

/** Libraries may print warnings before it. */
function lastWord(text: string): string {
  const word = text.trim().split('\n').at(-1)?.trim() ?? '';
  if (word === '' || /^[\w-]{16,}$/.test(word)) return word;
  throw new ScailfinError("REANA's server did not answer with a token", { hint: 'run `scailfin up` again' });
}

/** @returns its output @throws ScailfinError with its last lines */
async function server(kube: Kube, what: string, argv: readonly string[], stdin?: string): Promise<string> {
  const out = await inPod(kube, 'server', 'rest-api', argv, stdin);
  if (out.exitCode !== 0) throw refused(kube, what, out);
  return out.stdout;
}

/** kubectl exits with the status of the command (kubectl exec --help). */
function inPod(kube: Kube, part: string, container: string, argv: readonly string[], stdin?: string): Promise<Output> {
  const where = [`deployment/${kube.release}-${part}`, '--container', container];
  const [flags, input] = stdin === undefined ? [[], {}] : [['--stdin'], { stdin }];
  const options = { ...input, timeoutMs: EXEC_MS, check: false };
  return kube.kubectl(['exec', ...flags, ...where, '--', ...argv], options);
}

function refused(kube: Kube, what: string, { stdout, stderr }: Output): ScailfinError {
  // REANA's commands print errors on standard output
  const lines = `${stdout}\n${stderr}`.split('\n').map(line => line.trim());
  const words = lines.filter(line => line !== '' && !/^command terminated with exit code/.test(line)).slice(-4);
  const wrong = words.some(line => /Invalid email/.test(line));
  return new ScailfinError(`${what} on ${kube.hostName}: ${words.join('\n  ') || 'there was no error message'}`, {
    hint: wrong
      ? '`scailfin config set reana.email you@example.org`, then run `scailfin up` again'
      : 'run `scailfin up` again: it continues where it stopped',
  });
}

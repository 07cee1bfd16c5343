import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate with its key, both in PEM files. */
export interface Issued {
  readonly cert: string;
  /** Mode 0600, no passphrase. */
  readonly key: string;
}

export interface IssueOptions {
  /** As openssl takes it: `/O=Grid/CN=x`; `+` joins attributes to one set; UTF-8. */
  readonly subject: string;
  /** Lines of an openssl extension section; default: none. */
  readonly extensions?: readonly string[];
  /** Default: an hour ago until in 30 days. */
  readonly from?: Date;
  readonly until?: Date;
  /** What `openssl genpkey` takes; default: the CA's kind. */
  readonly key?: readonly string[];
}

const hour = 3_600_000;
export const rsa: readonly string[] = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
export const ec: readonly string[] = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
/** CAs live for long: whom they certify may have certificates that ended. */
const [before, after] = [new Date('2020-01-01T00:00:00Z'), new Date('2040-01-01T00:00:00Z')];
const caExtensions = ['basicConstraints = critical, CA:true', 'keyUsage = critical, keyCertSign, cRLSign'];

/** A real CA, of openssl: it issues, revokes and publishes lists. */
export class TestCa {
  #issued = 0;

  private constructor(
    readonly dir: string,
    readonly subject: string,
    readonly cert: string,
    readonly key: string,
    /** What `openssl genpkey` takes, for all that it issues. */
    private readonly kind: readonly string[],
  ) {
    writeFileSync(join(dir, 'index.txt'), '');
    writeFileSync(join(dir, 'crlnumber'), '01\n');
    mkdirSync(join(dir, 'issued'), { recursive: true });
  }

  /** @param dir where it may have a directory of its own @param kind of keys: `rsa` or `ec` */
  static make(dir: string, subject = '/O=Grid/OU=Test/CN=Test CA', kind = rsa): TestCa {
    const own = mkdtempSync(join(dir, 'ca-'));
    const [key, cert] = [join(own, 'ca.key'), join(own, 'ca.pem')];
    const ca = new TestCa(own, subject, cert, key, kind);
    openssl('genpkey', ...kind, '-out', key);
    ca.#sign({ subject, extensions: caExtensions, from: before, until: after }, key, cert, ['-selfsign']);
    return ca;
  }

  /** A CA below this one. */
  subordinate(subject: string, extensions: readonly string[] = caExtensions): TestCa {
    const { cert, key } = this.issue({ subject, extensions, from: before, until: after });
    return new TestCa(mkdtempSync(join(this.dir, 'sub-')), subject, cert, key, this.kind);
  }

  issue(options: IssueOptions): Issued {
    const stem = join(this.dir, 'issued', `${this.#issued}`);
    const [key, cert] = [`${stem}.key`, `${stem}.pem`];
    openssl('genpkey', ...(options.key ?? this.kind), '-out', key);
    this.#sign(options, key, cert, []);
    return { cert, key };
  }

  #sign(options: IssueOptions, key: string, cert: string, more: readonly string[]): void {
    this.#issued += 1;
    const request = `${cert}.csr`;
    openssl('req', '-new', '-utf8', '-multivalue-rdn', '-key', key, '-subj', options.subject, '-out', request);
    writeFileSync(join(this.dir, 'serial'), `${(0x1000 + this.#issued).toString(16).toUpperCase()}\n`);
    const now = Date.now();
    openssl(
      ...['ca', '-batch', '-notext', '-utf8', '-preserveDN', '-config', this.#config(options.extensions ?? [])],
      ...['-startdate', stamp(options.from ?? new Date(now - hour))],
      ...['-enddate', stamp(options.until ?? new Date(now + 30 * 24 * hour))],
      ...['-in', request, '-out', cert, ...more],
    );
  }

  /** A server's certificate: for a DNS name by its extension, as CAs make them now. */
  issueHost(host: string, options: Partial<IssueOptions> = {}): Issued {
    return this.issue({
      subject: `/O=Grid/OU=Test/CN=${host}`,
      extensions: [`subjectAltName = DNS:${host}`, 'extendedKeyUsage = serverAuth, clientAuth'],
      ...options,
    });
  }

  revoke(issued: Issued): void {
    openssl('ca', '-config', this.#config([]), '-revoke', issued.cert);
  }

  /** Writes a revocation list, PEM. @param until when the next one is due; default in 30 days */
  revocationList(until = new Date(Date.now() + 30 * 24 * hour), from = new Date(Date.now() - hour)): string {
    const file = join(this.dir, 'crl.pem');
    const dates = ['-crl_lastupdate', stamp(from), '-crl_nextupdate', stamp(until)];
    openssl('ca', '-config', this.#config([]), '-gencrl', ...dates, '-out', file);
    return file;
  }

  /** OpenSSL's hash of the CA's name, by which directories of CAs name their files. */
  get hash(): string {
    return openssl('x509', '-noout', '-hash', '-in', this.cert).trim();
  }

  /** The CA's name in one line, as openssl prints it. */
  get name(): string {
    return openssl('x509', '-noout', '-subject', '-nameopt', 'compat', '-in', this.cert)
      .replace(/^subject=\s*/, '')
      .trim();
  }

  /**
   * Adds the CA to a directory of CAs.
   * @param subjects patterns of names it may certify; `null` leaves its signing policy out
   */
  install(dir: string, subjects: readonly string[] | null = ['/O=Grid/*']): void {
    mkdirSync(dir, { recursive: true });
    copyFileSync(this.cert, join(dir, `${this.hash}.0`));
    if (subjects === null) return;
    writeFileSync(join(dir, `${this.hash}.signing_policy`), this.policy(subjects));
  }

  policy(subjects: readonly string[]): string {
    const quoted = subjects.map(s => `"${s}"`).join(' ');
    return `access_id_CA X509 '${this.name}'\npos_rights globus CA:sign\ncond_subjects globus '${quoted}'\n`;
  }

  #config(extensions: readonly string[]): string {
    const file = join(this.dir, 'ca.cnf');
    const settings = {
      ...{ database: join(this.dir, 'index.txt'), serial: join(this.dir, 'serial') },
      ...{ crlnumber: join(this.dir, 'crlnumber'), new_certs_dir: join(this.dir, 'issued') },
      ...{ certificate: this.cert, private_key: this.key, default_md: 'sha256', policy: 'any', unique_subject: 'no' },
      ...{ default_crl_days: '30', x509_extensions: 'leaf' },
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    writeFileSync(
      file,
      ['[ca]', 'default_ca = own', '[own]', ...lines, '[any]', 'commonName = optional', '[leaf]', ''].join('\n'),
    );
    appendFileSync(file, `${['subjectKeyIdentifier = hash', ...extensions].join('\n')}\n`);
    return file;
  }
}

/** An empty directory with a CA of the name that other tests expect; `dispose` removes all of it. */
export function temporaryCa(kind = rsa): {
  readonly dir: string;
  readonly ca: TestCa;
  readonly trust: string;
  dispose(): void;
} {
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-ca-'));
  const ca = TestCa.make(dir, undefined, kind);
  const trust = join(dir, 'certificates');
  ca.install(trust);
  return { dir, ca, trust, dispose: () => rmSync(dir, { recursive: true, force: true }) };
}

/** @returns what it prints; what fails throws with its last words */
export function openssl(...args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** `20261122090000Z` */
const stamp = (date: Date): string => `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;

import { comparable } from './name.js';
import { CertificateError } from './problem.js';

/** The names that one CA may sign, by its signing policy. */
export interface SigningRule {
  /** The CA's name on one line. */
  readonly authority: string;
  /** Names it may certify; one `*` in each matches anything. */
  readonly subjects: readonly string[];
}

/**
 * Reads a signing policy: the subset of the "Extended Access Control List" that CAs use.
 *
 *     access_id_CA   X509    '/O=Grid/CN=CA'
 *     pos_rights     globus  CA:sign
 *     cond_subjects  globus  '"/O=Grid/*" "/O=Other/*"'
 *
 * @throws CertificateError `signing-policy`, naming file and line
 */
export function parseSigningPolicy(text: string, file: string): SigningRule[] {
  const rules: SigningRule[] = [];
  let authorities: string[] = [];
  let subjects: string[] = [];
  let granted = false;
  const close = (): void => {
    if (granted) for (const authority of authorities) rules.push({ authority, subjects });
    [authorities, subjects, granted] = [[], [], false];
  };
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = whole.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = /^(\S+)\s+(\S+)\s+(\S.*)$/s.exec(line);
    const [, kind, by, value = ''] = match ?? [];
    const rights = kind === 'pos_rights' || kind === 'neg_rights';
    if (kind === 'access_id_CA' && by?.toUpperCase() === 'X509') {
      // a name after rights or conditions begins the next entry
      if (granted || subjects.length > 0) close();
      authorities.push(unquoted(value));
    } else if (rights && by === 'globus' && unquoted(value) === 'CA:sign') {
      granted = kind === 'pos_rights';
    } else if (kind === 'cond_subjects' && by === 'globus') {
      const inner = unquoted(value);
      subjects = [...inner.matchAll(/"([^"]*)"|(\S+)/g)].map(([, a, b]) => a ?? b ?? '');
    } else {
      throw new CertificateError('signing-policy', `${file}:${index + 1}: not understood: ${line}`, {
        hint: "install the CA's files again: a signing policy is three lines, access_id_CA, pos_rights and cond_subjects",
      });
    }
  }
  close();
  return rules;
}

const unquoted = (text: string): string => /^'([^']*)'/.exec(text)?.[1] ?? /^"([^"]*)"$/.exec(text)?.[1] ?? text;

/** Whether these rules let a CA certify a name; undefined if they do not mention that CA. */
export function maySign(rules: readonly SigningRule[], authority: string, subject: string): boolean | undefined {
  const own = rules.filter(rule => comparable(rule.authority) === comparable(authority));
  if (own.length === 0) return undefined;
  return own.some(rule => rule.subjects.some(pattern => matches(comparable(pattern), comparable(subject))));
}

function matches(pattern: string, name: string): boolean {
  const star = pattern.lastIndexOf('*');
  if (star < 0) return pattern === name;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return name.length > head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
}

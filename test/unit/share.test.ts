import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publicKeyIn, reaches } from '../../src/cluster/sharekey.js';
import { reanaService } from '../../src/frameworks/reana/service.js';
import { parsePool } from '../../src/htcondor/query.js';
import { personName } from '../../src/people.js';
import { temporaryState } from './temp.js';

describe('sharing a cluster', () => {
  const folder = temporaryState();
  const read = (text: string) => {
    const file = join(folder(), 'key');
    writeFileSync(file, text);
    return () => publicKeyIn(file);
  };
  const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh';

  it('takes a public key from its file, and nothing else', () => {
    expect(read(`# mine\n${ed25519} alice@laptop "x"\n`)()).toBe(ed25519);
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['-----BEGIN OPENSSH PRIVATE KEY-----\nx\n', /is a private key/],
      ['PuTTY-User-Key-File-3: ssh-ed25519\n', /is a private key/],
      [`${ed25519}\n${ed25519}\n`, /has 2 keys, not one/],
      ['', /has 0 keys/],
      [`command="id" ${ed25519}`, /is not a public key/],
      [ed25519.replace('ssh-ed25519', 'ssh-rsa'), /is not a public key/],
      [`${ed25519.slice(0, 40)}$(id)`, /is not a public key/],
      [ed25519.replace('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com'), /is not a public key/],
    ];
    for (const [text, message] of wrong) expect(read(text), text).toThrow(message);
    expect(() => publicKeyIn(join(folder(), 'none'))).toThrow("can't be read");
  });

  it('lets a key run one program, and forward nothing', () => {
    expect(reaches('/home/x/pool', 'alice')).toBe('restrict,command="bash --norc /home/x/pool/share/reach.sh alice"');
  });

  it('knows what can be a name', () => {
    expect(personName('Alice@Example.org')).toBe('alice@example.org');
    for (const text of ['', 'anybody', 'nobody', 'owner', '-x', '.x', 'a b', 'a"b', 'a$b', 'a/b', 'a:b', 'a\nb', 'ä']) {
      expect(personName(text), text).toBeUndefined();
    }
  });

  it('tells whose jobs there are', () => {
    const told = 'Total for query: 9 jobs; 0 completed, 0 removed, 4 idle, 3 running, 2 held, 0 suspended';
    const people = [
      'person=3 1 alice@example.org',
      'person=2 2 alice@example.org',
      'person=2 5 owner',
      'person=1 1 ',
      'person=1 2 ',
    ];
    const { people: found } = parsePool(`pool=alive\nnow=1\n== slots\n== jobs\n${told}\n${people.join('\n')}\n`);
    expect(found).toEqual([
      { name: 'alice@example.org', idle: 3, running: 2, held: 0 },
      { idle: 1, running: 1, held: 2 },
    ]);
  });

  it("says what to type where REANA is CERN's own", () => {
    const facts = { flavour: 'upstream' as const, scheme: 'https' as const, port: 30443 };
    const dial = () => Promise.reject(new Error('nobody is called'));
    const people = () => reanaService.people?.(facts, { cluster: 'x', folder: '/nowhere' }, dial);
    expect(people).toThrow(
      expect.objectContaining({
        message: "the REANA of x is CERN's own, on Kubernetes: it has its own users",
        hint: expect.stringMatching(
          /kubectl --namespace scailfin-x exec -it deployment\/\S+-server -- flask reana-admin/,
        ),
      }),
    );
  });
});

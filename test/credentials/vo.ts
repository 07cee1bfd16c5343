/** A VO as its server shall know it. */
export interface Vo {
  readonly vo: string;
  readonly port: number;
  readonly members: readonly Member[];
  /** Its server has not the option `newformat`. */
  readonly old?: boolean;
}

export interface Member {
  /** The name of the certificate on one line, and that of its CA. */
  readonly name: string;
  readonly ca: string;
  /** Groups and roles, as `/testvo/prod` and `/testvo/prod/Role=admin`. */
  readonly fqans: readonly string[];
  /** Why the membership is suspended. */
  readonly suspended?: string;
}

/** The server's database. */
export const databaseOf = ({ port }: Vo): string => `voms_${port}`;

/**
 * What VOMS Admin 3 keeps, as far as VOMS' plugin for MySQL asks for it. The attributes of users, groups and roles stay empty: with
 * MariaDB's library, the plugin takes each value for empty.
 */
const tables = `CREATE TABLE version (version int);
INSERT INTO version VALUES (3);
CREATE TABLE ca (cid smallint, subject_string varchar(255));
CREATE TABLE certificate (usr_id bigint, ca_id smallint, subject_string varchar(255), suspended bit(1), suspended_reason varchar(255));
CREATE TABLE groups (gid bigint, dn varchar(255));
CREATE TABLE roles (rid bigint, role varchar(255));
CREATE TABLE m (userid bigint, gid bigint, rid bigint);
CREATE TABLE attributes (a_id bigint, a_name varchar(255));
CREATE TABLE usr_attrs (a_id bigint, u_id bigint, a_value varchar(255));
CREATE TABLE group_attrs (a_id bigint, g_id bigint, a_value varchar(255));
CREATE TABLE role_attrs (a_id bigint, g_id bigint, r_id bigint, a_value varchar(255));`;

/** SQL, a statement in each line. */
export function sqlOf(vo: Vo): string {
  const { members } = vo;
  const cas = ids(members.map(member => member.ca));
  const fqans = members.flatMap(member => member.fqans).map(split);
  const groups = ids(fqans.map(({ group }) => group));
  const roles = ids(fqans.flatMap(({ role }) => role ?? []));
  const table = (name: string, known: ReadonlyMap<string, number>): string[] =>
    [...known].map(([word, id]) => insert(name, id, word));
  const rows = members.flatMap(({ name, ca, fqans, suspended }, index) => [
    insert('certificate', index, cas.get(ca), name, suspended === undefined ? 0 : 1, suspended),
    ...fqans.map(split).map(({ group, role }) => insert('m', index, groups.get(group), role && roles.get(role))),
  ]);
  const database = databaseOf(vo);
  const all = [...table('ca', cas), ...table('groups', groups), ...table('roles', roles), ...rows];
  return [`CREATE DATABASE ${database};`, `USE ${database};`, tables, ...all, ''].join('\n');
}

function split(fqan: string): { group: string; role?: string | undefined } {
  const [group = '', role] = fqan.split('/Role=');
  return { group, role };
}

const ids = (words: readonly string[]): Map<string, number> =>
  new Map([...new Set(words)].map((word, index) => [word, index + 1]));

const insert = (table: string, ...values: (string | number | undefined)[]): string =>
  `INSERT INTO ${table} VALUES (${values.map(literal).join(', ')});`;

const literal = (value: string | number | undefined): string =>
  typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'` : String(value ?? 'NULL');

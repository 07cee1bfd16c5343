/** In the first journals, the settings and facts of these frameworks are under the frameworks' own names. */
const underOwnName = ['reana'];

type Fields = Readonly<Record<string, unknown>>;

/** A cluster had one framework at most; now it has a list of them. */
function several(entry: Fields): Fields {
  if (entry.type !== 'created' || !isFields(entry.spec) || 'frameworks' in entry.spec) return entry;
  const { framework, ...spec } = entry.spec;
  return { ...entry, spec: { ...spec, frameworks: framework === undefined ? [] : [framework] } };
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** An entry of a journal in today's form. */
export const modern = (entry: Fields): Fields => several(underOneName(entry));

function underOneName(entry: Fields): Fields {
  for (const name of underOwnName) {
    if (entry.type === name) {
      const { [name]: facts, ...rest } = entry;
      return { ...rest, type: 'framework', framework: isFields(facts) ? { name, ...facts } : undefined };
    }
    if (entry.type === 'created' && isFields(entry.spec) && isFields(entry.spec[name])) {
      const { [name]: asked, ...spec } = entry.spec;
      return { ...entry, spec: { ...spec, framework: { name, ...(asked as Fields) } } };
    }
  }
  return entry;
}

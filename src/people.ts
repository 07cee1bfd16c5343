/**
 * A name can be part of a path, of a line in authorized_keys and of a job's description; capital letters make no difference.
 */
const pattern = /^[a-z0-9][a-z0-9._+-]{0,63}(@[a-z0-9][a-z0-9.-]{0,63})?$/;

/** REANA's client gives these words another meaning than a name. */
const reserved = ['anybody', 'nobody', 'owner'];

/** The name of a person with whom a cluster is shared, as it is kept; undefined if the text can't be one. */
export function personName(text: string): string | undefined {
  const name = text.toLowerCase();
  return pattern.test(name) && !reserved.includes(name) ? name : undefined;
}

import { profileRules } from './rules.js';
import { profileSchema, type SiteProfile } from './schema.js';
import { type Rule, readYaml } from './yaml.js';

/**
 * Reads a site profile.
 *
 * @param text the text of the YAML file
 * @param file its path, for messages only
 * @param options.name the name that the profile must have, because its file has it
 * @returns the profile with durations in seconds, memory in MiB, and all defaults filled in
 * @throws ProfileError with every mistake at once, each with line and column; nothing else
 */
export function parseProfile(text: string, file: string, options: { name?: string } = {}): SiteProfile {
  const named: Rule = function* (root) {
    const name = (root as { name?: unknown } | null)?.name;
    if (options.name === undefined || typeof name !== 'string' || name === options.name) return;
    yield {
      path: ['name'],
      at: 'value',
      message: `the file is named ${options.name}, but the profile's name is ${name}`,
    };
  };
  return readYaml(text, file, profileSchema, [...profileRules, named]);
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { BackendPython, beside } from '../reana/backend/python.js';
import { attack } from './attack.js';

/** What is tried is in test_hostile.py, in the language of what is attacked; each of its functions is a row here. */
const attacks: Readonly<Record<string, string>> = {
  test_a_directory_that_becomes_a_link_changes_no_mode_elsewhere:
    'changes the mode of a file outside by a directory that becomes a link',
  test_nothing_is_written_through_links_of_the_same_archive: 'writes outside through a link of its own archive',
  test_devices_and_pipes_are_not_made: 'has devices and pipes made',
  test_nothing_runs_as_its_owner: 'has a set-user-ID program made',
  test_what_is_no_file_is_not_read: 'leaves links, pipes and directories for its log, report and archive',
  test_a_report_without_end_is_not_read: 'leaves a report of a terabyte',
  test_a_report_of_nonsense_ends_the_step: 'leaves a report of nonsense, so that its step never ends',
  test_what_it_says_of_itself_is_short_and_printable: 'puts escape sequences and a book into its report',
  test_a_name_that_fills_the_memory_is_refused: "fills the memory by an archive's longest name",
  test_a_bomb_leaves_room_on_the_disk: 'fills the disk by a packed archive',
  test_a_million_files_are_too_many: 'fills the disk by a million files',
  test_a_manifest_that_a_node_sends_is_not_believed: "overwrites another step's file by a manifest of its own",
};

describe("what comes back to REANA's job controller", () => {
  let backend: BackendPython;
  let top: string;
  let said: string;
  beforeAll(async () => {
    backend = await BackendPython.open();
    top = await mkdtemp(join(tmpdir(), 'scailfin-attack-'));
    const args = ['-m', 'pytest', '-v', '-p', 'no:cacheprovider', '--basetemp', `${top}/py`, beside('test_hostile.py')];
    said = await backend.run(args).catch(error => String(error.message));
  }, 600_000);
  afterAll(async () => {
    await backend?.close();
    if (top) await rm(top, { recursive: true, force: true });
  });

  for (const [name, what] of Object.entries(attacks)) {
    attack({ by: 'a compute node', on: 'headnode', what: `${what} (REANA on Kubernetes)` }, count => {
      const outcomes = [...said.matchAll(new RegExp(`::${name}(?:\\[.*)? (PASSED|FAILED|ERROR)`, 'g'))].map(m => m[1]);
      count(outcomes.length);
      expect(outcomes.length, said.slice(-3000)).toBeGreaterThan(0);
      expect(
        outcomes.every(outcome => outcome === 'PASSED'),
        said.slice(-3000),
      ).toBe(true);
    });
  }
});

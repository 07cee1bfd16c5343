import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { durations } from './durations.js';
import { top } from './programs.js';

/** Begins with the slowest files: the last ones to end are then short. */
export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seconds = (file: TestSpecification): number => durations[relative(top, file.moduleId)] ?? 0;
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => seconds(b) - seconds(a));
  }
}

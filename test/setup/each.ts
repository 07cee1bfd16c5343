import { afterAll } from 'vitest';
import { endOfFile } from './ending.js';

// this is run for each test file anew, before it
afterAll(endOfFile);

import { declareChecks } from './client/checks.js';
import { SUBJECTS } from './client/clients.js';

declare const NEST_MAJOR: 11 | 12;

// who knows nothing of Nest is the same on both majors
const subjects = SUBJECTS.filter(({ isOurs }) => isOurs || NEST_MAJOR === 12);

describe.each(subjects)('PROTOCOL.md and a client: $name', ({ describe: describeSubject, make }) => {
  describeSubject('a scripted server', () => {
    declareChecks(make);
  });
});

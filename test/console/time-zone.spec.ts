import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const FORMAT = pathToFileURL(join(process.cwd(), 'lib/explorer/page/console/format.js')).href;
const SUMMER = Date.UTC(2026, 6, 1, 12, 3, 7);
const WINTER = Date.UTC(2026, 11, 1, 23, 3, 7);

/** Returns what the page of the console shows for times, in a process with a time zone. */
async function shown(zone: string, times: readonly number[]): Promise<string[]> {
  const program = `
    import { clock, moment } from ${JSON.stringify(FORMAT)};
    console.log(JSON.stringify(${JSON.stringify(times)}.flatMap((time) => [clock(time), moment(time)])));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, TZ: zone },
  });
  return JSON.parse(stdout) as string[];
}

it.each([
  ['UTC', '12:03:07 UTC', '2026-07-01 12:03:07 UTC', '23:03:07 UTC', '2026-12-01 23:03:07 UTC'],
  [
    'Europe/Berlin',
    '14:03:07 UTC+02:00',
    '2026-07-01 14:03:07 UTC+02:00',
    '00:03:07 UTC+01:00',
    '2026-12-02 00:03:07 UTC+01:00',
  ],
  [
    'America/St_Johns',
    '09:33:07 UTC-02:30',
    '2026-07-01 09:33:07 UTC-02:30',
    '19:33:07 UTC-03:30',
    '2026-12-01 19:33:07 UTC-03:30',
  ],
])('a time of the console has its zone: %s', async (zone, ...texts) => {
  expect(await shown(zone, [SUMMER, WINTER])).toEqual(texts);
});

import { addressKey } from '../../server/upgrade/client-address.js';
import type { BlockSubject } from '../../server/upgrade/block-list.js';
import type { ActionKind } from './action-kind.js';
import { fail } from './admin-failure.js';
import { BLOCK_KINDS, MAX_BLOCK_NAME } from './block-list.js';
import {
  choice,
  optionalText,
  requestFields,
  requiredText,
  wholeNumber,
  type Fields,
} from './checked-values.js';

/** The shortest and the longest block, in milliseconds: a second and a year. */
const MIN_DURATION = 1_000;
const MAX_DURATION = 366 * 86_400_000;
const MAX_REASON = 256;

/** The actions on the addresses and users that are blocked. */
export const BLOCK_ACTIONS: Readonly<Record<'block' | 'unblock', ActionKind>> = {
  block: {
    action: 'block',
    describe(data) {
      const { subject, duration, reason } = readBlock(data);
      const audit = { target: subject.name, details: { kind: subject.kind, duration, reason } };
      return { audit, node: undefined, text: `Blocked the ${subject.kind} ${subject.name}` };
    },
    run({ operations, by }, data) {
      const { subject, duration, reason } = readBlock(data);
      operations._block(subject, duration, { by, reason });
    },
  },
  unblock: {
    action: 'unblock',
    describe(data) {
      const { subject, node } = readUnblock(data);
      const audit = { target: subject.name, details: { kind: subject.kind } };
      return { audit, node, text: `Lifted the block of the ${subject.kind} ${subject.name}` };
    },
    run({ operations, by }, data) {
      if (!operations._unblock(readUnblock(data).subject, by))
        fail('not_found', 'The node does not know this block: it has ended');
    },
  },
};

function readBlock(data: unknown): { subject: BlockSubject; duration: number; reason: string | undefined } {
  const fields = requestFields(data, ['kind', 'name', 'duration', 'reason']);
  const { kind, name } = readSubject(fields);
  const key = kind === 'user' ? name : addressKey(name);
  return {
    subject: { kind, name: key ?? fail('invalid', 'name: it takes an IP address') },
    duration: wholeNumber(fields, 'duration', MIN_DURATION, MAX_DURATION),
    reason: optionalText(fields, 'reason', MAX_REASON),
  };
}

function readUnblock(data: unknown): { subject: BlockSubject; node: string | undefined } {
  const fields = requestFields(data, ['kind', 'name', 'node']);
  return { subject: readSubject(fields), node: optionalText(fields, 'node', 64) };
}

function readSubject(fields: Fields): BlockSubject {
  return {
    kind:
      choice(fields, 'kind', BLOCK_KINDS) ?? fail('invalid', `kind: it takes ${BLOCK_KINDS.join(' or ')}`),
    name: requiredText(fields, 'name', MAX_BLOCK_NAME),
  };
}

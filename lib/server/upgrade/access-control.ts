import type { ClientInfo } from '../handshake/client-info.js';
import { nameOfUser, type ClientWithUser } from '../handshake/user-identity.js';
import { BlockList, type BlockEntry, type BlockSubject } from './block-list.js';
import { because, refusal, type HttpRefusal } from './http-refusal.js';

/** Whom an operator keeps out at present: everybody, while the node drains, or blocked addresses and users. */
export class AccessControl {
  readonly blocks = new BlockList();
  /** The refusal of every request to connect; `undefined`: the node does not drain. */
  draining: HttpRefusal | undefined;

  /** Returns the refusal of a client by its address; `undefined`: it may connect. */
  refusalOf({ rateKey }: Pick<ClientInfo, 'rateKey'>): HttpRefusal | undefined {
    if (this.blocks.isEmpty) return this.draining;
    return this.draining ?? this.blocked({ kind: 'address', name: rateKey });
  }

  /** Returns whether a user is blocked, by its name. */
  isUserBlocked(name: string): boolean {
    return this.blocks.blockOf({ kind: 'user', name }) !== undefined;
  }

  /** Returns the refusal of a client whose guards have said who it is. */
  refusalOfClient(client: ClientWithUser, clientInfo: ClientInfo): HttpRefusal | undefined {
    if (this.draining !== undefined || this.blocks.isEmpty) return this.draining;
    const block = this.blockOf(client, clientInfo);
    return block && refusalFor(block);
  }

  /** Returns the block of a client, by its address or by the user that it has at present; `undefined`: it is not blocked. */
  blockOf(client: ClientWithUser, { rateKey }: Pick<ClientInfo, 'rateKey'>): BlockEntry | undefined {
    if (this.blocks.isEmpty) return undefined;
    const ofAddress = this.blocks.blockOf({ kind: 'address', name: rateKey });
    if (ofAddress !== undefined) return ofAddress;
    const name = nameOfUser(client);
    return name === undefined ? undefined : this.blocks.blockOf({ kind: 'user', name });
  }

  private blocked(subject: BlockSubject): HttpRefusal | undefined {
    const block = this.blocks.blockOf(subject);
    return block && refusalFor(block);
  }
}

/** Returns the refusal of a blocked client, with the rest of the time in `Retry-After`. */
export function refusalFor({ until }: BlockEntry): HttpRefusal {
  const seconds = String(Math.ceil((until - Date.now()) / 1_000));
  return because('blocked', refusal(429, 'Blocked for a time', { 'Retry-After': seconds }));
}

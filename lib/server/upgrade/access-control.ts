import type { ClientInfo } from '../handshake/client-info.js';
import { nameOfUser, type ClientWithUser } from '../handshake/user-identity.js';
import { BlockList, type BlockSubject } from './block-list.js';
import { refusal, type HttpRefusal } from './http-refusal.js';

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
    return !this.blocks.isEmpty && this.blocks.remaining({ kind: 'user', name }) > 0;
  }

  /** Returns the refusal of a client whose guards have said who it is. */
  refusalOfClient(client: ClientWithUser, clientInfo: ClientInfo): HttpRefusal | undefined {
    if (this.blocks.isEmpty) return this.draining;
    const name = nameOfUser(client);
    return (
      this.refusalOf(clientInfo) ?? (name === undefined ? undefined : this.blocked({ kind: 'user', name }))
    );
  }

  private blocked(subject: BlockSubject): HttpRefusal | undefined {
    const remaining = this.blocks.remaining(subject);
    if (remaining <= 0) return undefined;
    const seconds = String(Math.ceil(remaining / 1_000));
    return refusal(429, 'Blocked for a time', { 'Retry-After': seconds });
  }
}

import type { Message } from '../server/transport/message.js';
import type { MessageRate } from '../server/transport/message-rate.js';
import type { LinkMember } from './link.js';
import type { LinkNamespaces } from './link-namespaces.js';
import { PacketAssembler, type AssemblyLimits } from './packet-assembler.js';
import { isRootEvent, PACKET, readHead } from './packet-head.js';

/** What a reader reports to its link. */
interface ReaderOwner {
  /** The client broke the protocol. */
  onMalformed(): void;
  /** The client goes on over its message rate. */
  onFlood(): void;
}

/** Reads the packets of one link, and passes each to its namespace. */
export class PacketReader {
  private assembler: PacketAssembler | undefined;
  private isClosed = false;

  constructor(
    private readonly namespaces: LinkNamespaces,
    private readonly rate: MessageRate,
    private readonly limits: AssemblyLimits,
    private readonly owner: ReaderOwner,
  ) {}

  /** Takes a text with the prefix of the engine. */
  takeText(text: string): void {
    if (this.isClosed) return;
    if (this.assembler?.isWaiting === true) return this.owner.onMalformed();
    if (isRootEvent(text)) {
      const member = this.namespaces.get('/');
      if (member !== undefined) return this.deliver(member, text);
    }
    this.takePacket(text);
  }

  private takePacket(text: string): void {
    const head = readHead(text);
    if (head === undefined || head.type === PACKET.CONNECT_ERROR) return this.owner.onMalformed();
    const { type, namespace } = head;
    if (type === PACKET.CONNECT) {
      if (this.mayPass() && !this.namespaces.connect(text)) this.owner.onMalformed();
    } else if (type === PACKET.DISCONNECT) {
      if (this.mayPass()) this.namespaces.disconnect(namespace);
    } else if (head.attachments > 0) {
      this.assembler ??= new PacketAssembler(this.limits);
      if (this.assembler.begin(text, head.attachments) !== undefined) this.owner.onMalformed();
    } else {
      this.deliverTo(namespace, text);
    }
  }

  /** Takes one attachment. */
  takeBytes(bytes: Buffer): void {
    if (this.isClosed) return;
    const packet = this.assembler?.add(bytes);
    if (this.assembler === undefined || typeof packet === 'string') return this.owner.onMalformed();
    if (packet !== undefined) this.deliverTo(readHead(packet.text)!.namespace, packet);
  }

  private deliverTo(namespace: string, message: Message): void {
    const member = this.namespaces.get(namespace);
    if (member !== undefined) this.deliver(member, message);
    // a message for a namespace that the client is not in may have crossed the end of that
    else if (this.mayPass() && this.namespaces.isEmpty) this.owner.onMalformed();
  }

  private deliver(member: LinkMember, message: Message): void {
    if (this.rate.take()) member.receive(message);
    else member.receiveExcess(message);
  }

  /** Takes a token for what belongs to no namespace. @returns whether one was left */
  mayPass(): boolean {
    if (this.rate.take()) return true;
    if (!this.rate.takeRefusal()) this.owner.onFlood();
    return false;
  }

  /** Reads nothing more. */
  close(): void {
    this.isClosed = true;
    this.assembler?.clear();
  }
}

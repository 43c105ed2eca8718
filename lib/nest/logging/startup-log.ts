import type { Logger } from '@nestjs/common';
import type { AddressInfo, Server } from 'node:net';
import type { Gateway } from '../gateways/gateway-explorer.js';

/** A gateway and the place where it is mounted, as the log shows it. */
export interface MountedGateway {
  readonly gateway: Gateway;
  readonly place: string;
  /** The names of its guards that run at the upgrade. */
  readonly guards: readonly string[];
}

/** Tells at start-up what is mounted where: each line once. */
export class StartupLog {
  private readonly told = new Set<string>();

  constructor(
    private readonly logger: Logger,
    private readonly gateways: readonly MountedGateway[],
  ) {}

  /** One line per gateway of a place: `GET /ws -> ChatGateway (4 messages, 2 lifecycle hooks; AuthGuard at the upgrade)`. */
  mounted(place: string): void {
    if (this.told.has(place)) return;
    this.told.add(place);
    const here = this.gateways.filter((mounted) => mounted.place === place);
    for (const { gateway, guards } of here) {
      const { type, messages, hooks } = gateway;
      const what = `${count(messages.length, 'message')}, ${count(hooks.length, 'lifecycle hook')}`;
      const who = guards.length === 0 ? '' : `; ${guards.join(', ')} at the upgrade`;
      this.logger.log(`GET ${place} -> ${type.name} (${what}${who})`);
    }
    this.warnOfSharedEvents(
      place,
      here.map(({ gateway }) => gateway),
    );
  }

  /** `bound 1 gateway on 0.0.0.0:3005`, as soon as the server listens. */
  bound(server: Server, gateways: number): void {
    const log = (): void =>
      this.logger.log(`bound ${count(gateways, 'gateway')} on ${show(server.address())}`);
    if (server.listening) log();
    else server.once('listening', log);
  }

  /** Names the events that several gateways of one path take: all of them run, as on the stock adapters. */
  private warnOfSharedEvents(place: string, gateways: readonly Gateway[]): void {
    const takers = new Map<string, string[]>();
    for (const { type, messages } of gateways) {
      for (const event of messages) takers.set(event, [...(takers.get(event) ?? []), type.name]);
    }
    for (const [event, names] of takers) {
      if (names.length > 1)
        this.logger.warn(`"${event}" on ${place} is taken by ${names.join(' and ')}: both handle it`);
    }
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function show(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return String(address);
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`;
}

import type { Logger } from '@nestjs/common';
import type { AddressInfo, Server } from 'node:net';
import type { Gateway } from '../gateways/gateway-explorer.js';
import type { MountedGateway } from '../gateways/gateway-mount-point.js';

/** Logs at start-up which gateway is mounted where. It logs each line once. */
export class StartupLog {
  private readonly logged = new Set<string>();

  /** @param guardNames returns the names of the guards that run at the upgrade */
  constructor(
    private readonly logger: Logger,
    private readonly gateways: readonly MountedGateway[],
    private readonly guardNames: (gateway: Gateway) => readonly string[],
  ) {}

  /** Logs one line per gateway of a path: `GET /ws -> ChatGateway (4 messages, 2 lifecycle hooks; AuthGuard at the upgrade)`. */
  mounted(serverName: string): void {
    if (this.logged.has(serverName)) return;
    this.logged.add(serverName);
    const gateways = this.gateways
      .filter((mounted) => mounted.serverName === serverName)
      .map(({ gateway }) => gateway);
    for (const gateway of gateways) {
      const { type, messages, hooks } = gateway;
      const contents = `${count(messages.length, 'message')}, ${count(hooks.length, 'lifecycle hook')}`;
      const guards = this.guardNames(gateway);
      const atUpgrade = guards.length === 0 ? '' : `; ${guards.join(', ')} at the upgrade`;
      this.logger.log(`GET ${serverName} -> ${type.name} (${contents}${atUpgrade})`);
    }
    this.warnOfSharedEvents(serverName, gateways);
  }

  /** Logs `bound 1 gateway on 0.0.0.0:3005` when the server listens. */
  bound(port: number, server: Server): void {
    const { length } = this.gateways.filter(({ mountPoint }) => mountPoint.port === port);
    const log = (): void => this.logger.log(`bound ${count(length, 'gateway')} on ${show(server.address())}`);
    if (server.listening) log();
    else server.once('listening', log);
  }

  /** Names the events that several gateways of one path handle. All of these handlers run, as with Nest's own adapters. */
  private warnOfSharedEvents(serverName: string, gateways: readonly Gateway[]): void {
    const handledBy = new Map<string, string[]>();
    for (const { type, messages } of gateways) {
      for (const event of messages) handledBy.set(event, [...(handledBy.get(event) ?? []), type.name]);
    }
    for (const [event, names] of handledBy) {
      if (names.length > 1)
        this.logger.warn(
          `"${event}" on ${serverName} has handlers in ${names.join(' and ')}: all of them run`,
        );
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

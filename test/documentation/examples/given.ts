// What the examples of the doc comments use without showing it. test/support/examples.ts imports the names that an example has.
import type { AsyncLocalStorage } from 'node:async_hooks';
import type { CanActivate, INestApplication, Logger } from '@nestjs/common';
import type { HealthCheckService } from '@nestjs/terminus';
import type { ReactElement } from 'react';
import type { Observable } from 'rxjs';
import type { EnvelopeAdapter, EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope';
import type { ClientSocket } from 'nestjs-envelope/client';
import type { StoredMessage } from 'nestjs-envelope/client/reliable';
import type { Contract } from 'nestjs-envelope/contract';
import type { StoredPage } from 'nestjs-envelope/history';
import type { EnvelopeClient, EnvelopeContext, EnvelopeTransport } from 'nestjs-envelope/microservices';
import type { EnvelopeHealthIndicator } from 'nestjs-envelope/terminus';
import type { TestClient } from 'nestjs-envelope/testing';

export { channel } from 'node:diagnostics_channel';
export { expect } from '@jest/globals';
export {
  Catch,
  Injectable,
  Module,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
export { ConfigService } from '@nestjs/config';
export { APP_GUARD, NestFactory } from '@nestjs/core';
export { AuthGuard } from '@nestjs/passport';
export { ClientsModule, Ctx, MessagePattern, Payload } from '@nestjs/microservices';
export {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
export { createAdapter } from '@socket.io/redis-streams-adapter';
export { Redis } from 'ioredis';
export type { Observable } from 'rxjs';

// the server
export declare const app: INestApplication;
export declare const adapter: EnvelopeAdapter;
export declare const server: EnvelopeServer;
export declare const client: EnvelopeSocket;
export declare const contract: Contract;
export declare const context: EnvelopeContext;
export declare const transport: EnvelopeTransport;
export declare const users: EnvelopeClient;
export declare const health: HealthCheckService;
export declare const envelope: EnvelopeHealthIndicator;
export declare const storage: AsyncLocalStorage<object>;
export declare const redis: import('ioredis').Redis;
export declare class ApiKeyGuard implements CanActivate {
  canActivate(): boolean;
}
export declare class AppModule {}
export declare class ChatGateway {}
export declare class Billing {}
export declare class NameDto {}
export declare class OrderDto {}
export declare class PaymentDto {}
export declare class PointDto {}
export declare class PriceDto {}
export declare class SaidDto {}
export declare class QueryFailedError extends Error {}
export declare const payload: { readonly exp: number };
export declare const position: string;
export declare const after: string | undefined;
export declare const forbidden: Error;
export declare const closedError: Error;
export declare const events: { readonly said: typeof SaidDto };
export declare const invoice: { readonly number: number };
export declare const logger: Logger;
export declare const name: string;
export declare const signal: AbortSignal;
export declare const url: string;
export declare const config: { reload(): void };
export declare const metrics: { count(name: string, label?: string): void };
export declare const queue: { add(name: string, data: unknown): Promise<void> };
export declare const sdk: { start(): void };
export declare const Cursor: { safeParse(value: unknown): { success: boolean } };
export declare const database: {
  getAll(name: string): Promise<StoredMessage[]>;
  replace(name: string, rows: readonly object[]): Promise<void>;
};
export declare const table: {
  insert(path: string, room: string, text: string, limits: object): Promise<void>;
  page(path: string, room: string, query: object): Promise<StoredPage>;
  delete(path: string, room: string): Promise<void>;
  insertIfAbsent(name: string, value: string, time: number): Promise<string | undefined>;
  replaceIf(name: string, expected: string, value: string | undefined, time: number): Promise<void>;
};
export interface Change {
  readonly text: string;
}
export interface Point {
  readonly x: number;
  readonly y: number;
}
export declare function saveDraft(): Promise<void>;
export declare function urlOf(range: unknown): string;
export declare function isAllowed(event: string): boolean;
export declare function isOpen(): boolean;
export declare function sendMore(): void;
export declare function onReload(): void;

/** The class around an example that is a method. */
export declare abstract class Given {
  protected readonly documents: { apply(change: Change): Promise<void> };
  protected readonly market: { prices(): Observable<PriceDto> };
  protected readonly orders: { insert(row: object): Promise<object> };
  protected readonly payments: { insert(row: object): Promise<object> };
}

// the client
export declare const socket: ClientSocket;
export declare const ada: TestClient;
export declare const bob: TestClient;
export declare const controller: AbortController;
export declare const range: { readonly from: string; readonly to: string };
export declare function show(value: unknown): void;
export declare function render(value: unknown): void;
export declare function onSaid(text: string): void;
export declare function Chat(): ReactElement;
export declare function draw(value: unknown): void;
export declare function reload(): void;
export declare function showLogin(): void;
export declare function fetchToken(): Promise<string>;
export declare function askWhetherItArrived(): void;
export declare const order: { readonly item: number };
export declare const userId: string;
export declare const file: File;
export declare const text: string;
export interface ServerToClient {
  message: (text: string) => void;
  said: (text: string) => void;
}
export interface ClientToServer {
  say: (text: string, answer?: (answer: { id: string }) => void) => void;
}
export type { ServerToClient as WsChatListens, ClientToServer as WsChatEmits };
